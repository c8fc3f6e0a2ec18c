//===- CallChecks.cpp - What is wrong with a call -------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CallChecks.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/ADT/StringExtras.h"
#include <numeric>

using namespace mlir;
using namespace mlir::dropout;

llvm::Error mlir::dropout::refuseCall(const Twine &message) {
  return llvm::make_error<RuntimeError>(DROPOUT_INVALID_ARGUMENT,
                                        message.str());
}

static bool isValueType(ElementType type) {
  return type == ElementType::F16 || type == ElementType::BF16 ||
         type == ElementType::F32 || type == ElementType::F64;
}

static std::string formatList(ArrayRef<int64_t> values) {
  std::string text = "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(values, os);
  return text + "]";
}

static llvm::Error checkArray(const StridedArray &array, StringRef name) {
  if (array.shape.size() != array.strides.size())
    return refuseCall("expected a stride for each dim of " + name +
                      ", but got " + Twine(array.shape.size()) + " dims and " +
                      Twine(array.strides.size()) + " strides");
  bool empty = false;
  for (int64_t size : array.shape) {
    if (size < 0)
      return refuseCall("expected " + name +
                        " to have no negative size, but got " + Twine(size));
    empty |= size == 0;
  }
  if (!empty && !mlir::dropout::detail::countElements(array.shape))
    return refuseCall("expected " + name +
                      " to have fewer than 2^63 elements, but its shape is " +
                      formatList(array.shape));
  if (!array.data && !empty)
    return refuseCall("expected the memory of " + name +
                      " to be given, but got a null pointer");
  unsigned size = getElementSize(array.element);
  if (uintptr_t(array.data) % size != 0 && !empty)
    return refuseCall("expected the memory of " + name + " to be aligned to " +
                      Twine(size) + " bytes, but its address is " +
                      Twine(uintptr_t(array.data) % size) + " bytes past that");
  return llvm::Error::success();
}

/// Two elements may share memory unless, from the smallest stride on, each is
/// at least what all the dims below it span.
static bool isInjective(const StridedArray &array) {
  SmallVector<std::pair<uint64_t, uint64_t>, 6> dims; // Stride and size.
  for (auto [size, stride] : llvm::zip(array.shape, array.strides))
    if (size != 1)
      dims.emplace_back(getMagnitude(stride), size);
  llvm::sort(dims);
  uint64_t span = 1;
  for (auto [stride, size] : dims) {
    if (stride < span)
      return false;
    span += stride * (size - 1);
  }
  return true;
}

/// The first byte of an array and the one behind its last.
static std::pair<uintptr_t, uintptr_t> getBounds(const StridedArray &array) {
  uintptr_t size = getElementSize(array.element);
  auto begin = reinterpret_cast<uintptr_t>(array.data), end = begin + size;
  for (auto [count, stride] : llvm::zip(array.shape, array.strides))
    (stride < 0 ? begin : end) +=
        uintptr_t(count - 1) * uintptr_t(stride) * size;
  return {begin, end};
}

namespace {
/// One dim of one of two arrays, in the search for an element of both: a number
/// in [0, count) times a stride.
struct Term {
  uint64_t stride, count;
  /// Of this and the smaller ones: the most that they add up to, and what
  /// divides all sums.
  uint64_t reach = 0, divisor = 0;
};
} // namespace

/// Whether \p terms, of which the strides fall, can add up to \p sum. Takes so
/// for granted when \p budget steps have not decided it.
static bool canAddUpTo(ArrayRef<Term> terms, uint64_t sum, unsigned &budget) {
  if (sum == 0)
    return true;
  if (terms.empty() || sum > terms[0].reach || sum % terms[0].divisor != 0)
    return false;
  const Term &term = terms[0];
  uint64_t most = std::min(term.count - 1, sum / term.stride);
  uint64_t rest = term.reach - (term.count - 1) * term.stride;
  uint64_t least = sum > rest ? llvm::divideCeil(sum - rest, term.stride) : 0;
  for (uint64_t number = least; number <= most; ++number) {
    if (budget == 0 || --budget == 0 ||
        canAddUpTo(terms.drop_front(), sum - number * term.stride, budget))
      return true;
  }
  return false;
}

/// Whether two arrays, which have elements, have one in common; for some that
/// interlock in a way that takes long to see through true as well.
static bool mayOverlap(const StridedArray &a, const StridedArray &b) {
  auto [beginA, endA] = getBounds(a);
  auto [beginB, endB] = getBounds(b);
  if (endA <= beginB || endB <= beginA)
    return false;
  // Element i of a is element j of b where stride * i of a's dims minus
  // stride * j of b's add up to the distance of the first elements. Dims for
  // which that is negative are counted from their ends.
  auto size = int64_t(getElementSize(a.element));
  auto sum =
      uint64_t(int64_t(reinterpret_cast<uintptr_t>(b.data) - beginA) / size);
  SmallVector<Term, 12> terms;
  for (const StridedArray *array : {&a, &b})
    for (auto [count, stride] : llvm::zip(array->shape, array->strides)) {
      uint64_t magnitude = getMagnitude(stride);
      if (count == 1 || stride == 0)
        continue;
      terms.push_back({magnitude, uint64_t(count)});
      if (array == &b && stride > 0)
        sum += uint64_t(count - 1) * magnitude;
    }
  llvm::sort(terms, [](const Term &left, const Term &right) {
    return left.stride > right.stride;
  });
  uint64_t reach = 0, divisor = 0;
  for (Term &term : llvm::reverse(terms)) {
    term.reach = reach += (term.count - 1) * term.stride;
    term.divisor = divisor = std::gcd(divisor, term.stride);
  }
  unsigned budget = 1000;
  return canAddUpTo(terms, sum, budget);
}

static bool isSameView(const StridedArray &a, const StridedArray &b) {
  if (a.data != b.data)
    return false;
  for (auto [size, left, right] : llvm::zip(a.shape, a.strides, b.strides))
    if (size != 1 && left != right)
      return false;
  return true;
}

static llvm::Error checkMask(const StridedArray &mask, StringRef name) {
  if (llvm::Error error = checkArray(mask, name))
    return error;
  if (mask.element != ElementType::I1)
    return refuseCall("expected " + name +
                      " to be of i1, one byte per element, but got " +
                      getElementTypeName(mask.element));
  if (!llvm::is_contained(mask.shape, 0) && !isInjective(mask))
    return refuseCall("expected the elements of " + name +
                      " not to share memory, but got shape " +
                      formatList(mask.shape) + " and strides " +
                      formatList(mask.strides));
  return llvm::Error::success();
}

/// The mask that a call writes beside its values.
static llvm::Error checkMaskResult(const KernelCall &call) {
  const StridedArray &mask = *call.mask;
  if (call.operation == KernelOperation::Mask)
    return refuseCall("expected no mask beside a mask, but got one");
  if (llvm::Error error = checkMask(mask, "mask"))
    return error;
  if (mask.shape != call.destination.shape)
    return refuseCall("expected mask to have the shape " +
                      formatList(call.destination.shape) + ", but got " +
                      formatList(mask.shape));
  if (llvm::is_contained(mask.shape, 0))
    return llvm::Error::success();
  for (const StridedArray *array : {&call.source, &call.destination}) {
    auto [begin, end] = getBounds(*array);
    auto [maskBegin, maskEnd] = getBounds(mask);
    if (maskBegin < end && begin < maskEnd)
      return refuseCall("expected mask to lie apart from the other arrays, but "
                        "they overlap");
  }
  return llvm::Error::success();
}

static llvm::Error checkArrays(const KernelCall &call) {
  const StridedArray &x = call.source, &y = call.destination;
  if (call.operation == KernelOperation::Mask)
    return checkMask(y, "out");
  bool forward = call.operation == KernelOperation::Forward;
  StringRef source = forward ? "x" : "dy";
  // What callers with one array know it by.
  StringRef destination =
      x.shape == y.shape && isSameView(x, y) ? source : StringRef("out");
  if (!isValueType(x.element))
    return refuseCall("expected " + source +
                      " to be of f16, bf16, f32 or f64, but got " +
                      getElementTypeName(x.element));
  if (y.element != x.element)
    return refuseCall("expected " + destination + " to be of " +
                      getElementTypeName(x.element) + ", as " + source +
                      ", but got " + getElementTypeName(y.element));
  if (x.shape != y.shape)
    return refuseCall("expected " + destination + " to have the shape " +
                      formatList(x.shape) + " of " + source + ", but got " +
                      formatList(y.shape));
  if (llvm::Error error = checkArray(x, source))
    return error;
  if (llvm::Error error = checkArray(y, destination))
    return error;
  if (llvm::is_contained(x.shape, 0))
    return llvm::Error::success();
  if (!isInjective(y))
    return refuseCall("expected the elements of " + destination +
                      " not to share memory, but got shape " +
                      formatList(y.shape) + " and strides " +
                      formatList(y.strides));
  if (!isSameView(x, y) && mayOverlap(x, y))
    return refuseCall("expected " + destination + " to be " + source +
                      " itself or apart from it, but they overlap");
  return llvm::Error::success();
}

static llvm::Error checkOptions(const KernelCall &call) {
  if (call.rounds != 7 && call.rounds != 10)
    return refuseCall("expected rounds to be 7 or 10, but got " +
                      Twine(call.rounds));
  if (call.resolution != 8 && call.resolution != 16)
    return refuseCall("expected resolution to be 8 or 16, but got " +
                      Twine(call.resolution));
  ArrayRef<int64_t> shape = call.destination.shape;
  auto rank = int64_t(shape.size());
  if (call.maskDims) {
    for (auto [index, dim] : llvm::enumerate(*call.maskDims)) {
      if (dim < 0 || dim >= rank)
        return refuseCall("expected mask_dims in [0, " + Twine(rank) +
                          "), but got " + formatList(*call.maskDims));
      if (llvm::is_contained(call.maskDims->take_front(index), dim))
        return refuseCall("expected distinct mask_dims, but got " +
                          formatList(*call.maskDims));
    }
  } else if (call.operation != KernelOperation::Mask &&
             hasChannels(call.kind) && rank < 2) {
    return refuseCall(
        "expected rank 2 or more for the default mask_dims [0, 1], "
        "but got rank " +
        Twine(rank));
  }
  if (call.position.size() != call.fullShape.size() ||
      (!call.position.empty() && int64_t(call.position.size()) != rank))
    return refuseCall("expected a position and a full shape of " + Twine(rank) +
                      " entries each, but got " + Twine(call.position.size()) +
                      " and " + Twine(call.fullShape.size()));
  if (call.position.empty())
    return llvm::Error::success();
  for (auto [first, full, size] :
       llvm::zip(call.position, call.fullShape, shape))
    if (first < 0 || full < 0 || first > full || size > full - first)
      return refuseCall("expected the slice of shape " + formatList(shape) +
                        " at " + formatList(call.position) +
                        " to lie inside the full shape, but got " +
                        formatList(call.fullShape));
  if (!mlir::dropout::detail::countElements(call.fullShape))
    return refuseCall(
        "expected the full shape to have fewer than 2^63 elements, "
        "but got " +
        formatList(call.fullShape));
  return llvm::Error::success();
}

llvm::Error mlir::dropout::checkCall(const KernelCall &call) {
  if (llvm::Error error = checkArrays(call))
    return error;
  if (llvm::Error error = checkOptions(call))
    return error;
  if (call.mask)
    if (llvm::Error error = checkMaskResult(call))
      return error;
  // The message of the check is the runtime's.
  uint64_t threshold;
  if (int32_t status =
          dropoutThreshold(call.p, int32_t(call.resolution), &threshold))
    return llvm::make_error<RuntimeError>(status, dropoutLastMessage());
  return llvm::Error::success();
}
