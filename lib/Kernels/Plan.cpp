//===- Plan.cpp - A call as a kernel sees it ------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Plan.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/ADT/StringExtras.h"
#include <numeric>

using namespace mlir;
using namespace mlir::dropout;

static llvm::Error refuse(const Twine &message) {
  return llvm::make_error<RuntimeError>(DROPOUT_INVALID_ARGUMENT,
                                        message.str());
}

/// Of any stride, the smallest number included.
static uint64_t getMagnitude(int64_t stride) {
  return stride < 0 ? -uint64_t(stride) : uint64_t(stride);
}

static bool isValueType(ElementType type) {
  return type == ElementType::F16 || type == ElementType::BF16 ||
         type == ElementType::F32 || type == ElementType::F64;
}

static bool hasChannels(KernelKind kind) {
  return kind == KernelKind::Channel || kind == KernelKind::FeatureAlpha;
}

static std::string formatList(ArrayRef<int64_t> values) {
  std::string text = "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(values, os);
  return text + "]";
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static llvm::Error checkArray(const StridedArray &array, StringRef name) {
  if (array.shape.size() != array.strides.size())
    return refuse("expected a stride for each dim of " + name + ", but got " +
                  Twine(array.shape.size()) + " dims and " +
                  Twine(array.strides.size()) + " strides");
  bool empty = false;
  for (int64_t size : array.shape) {
    if (size < 0)
      return refuse("expected " + name + " to have no negative size, but got " +
                    Twine(size));
    empty |= size == 0;
  }
  if (!empty && !mlir::dropout::detail::countElements(array.shape))
    return refuse("expected " + name +
                  " to have fewer than 2^63 elements, but its shape is " +
                  formatShape(array.shape));
  if (!array.data && !empty)
    return refuse("expected the memory of " + name +
                  " to be given, but got a null pointer");
  unsigned size = getElementSize(array.element);
  if (uintptr_t(array.data) % size != 0 && !empty)
    return refuse("expected the memory of " + name + " to be aligned to " +
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

static llvm::Error checkArrays(const KernelCall &call) {
  const StridedArray &x = call.source, &y = call.destination;
  if (call.operation == KernelOperation::Mask) {
    if (llvm::Error error = checkArray(y, "out"))
      return error;
    if (y.element != ElementType::I1)
      return refuse("expected out to be of i1, one byte per element, but got " +
                    getElementTypeName(y.element));
    if (!llvm::is_contained(y.shape, 0) && !isInjective(y))
      return refuse("expected the elements of out not to share memory, but got "
                    "shape " +
                    formatList(y.shape) + " and strides " +
                    formatList(y.strides));
    return llvm::Error::success();
  }
  bool forward = call.operation == KernelOperation::Forward;
  StringRef source = forward ? "x" : "dy", destination = "out";
  if (!isValueType(x.element))
    return refuse("expected " + source +
                  " to be of f16, bf16, f32 or f64, but got " +
                  getElementTypeName(x.element));
  if (y.element != x.element)
    return refuse("expected " + destination + " to be of " +
                  getElementTypeName(x.element) + ", as " + source +
                  ", but got " + getElementTypeName(y.element));
  if (x.shape != y.shape)
    return refuse("expected " + destination + " to have the shape " +
                  formatList(x.shape) + " of " + source + ", but got " +
                  formatList(y.shape));
  if (llvm::Error error = checkArray(x, source))
    return error;
  if (llvm::Error error = checkArray(y, destination))
    return error;
  if (llvm::is_contained(x.shape, 0))
    return llvm::Error::success();
  if (!isInjective(y))
    return refuse("expected the elements of " + destination +
                  " not to share memory, but got shape " + formatList(y.shape) +
                  " and strides " + formatList(y.strides));
  if (!isSameView(x, y) && mayOverlap(x, y))
    return refuse("expected " + destination + " to be " + source +
                  " itself or apart from it, but they overlap");
  return llvm::Error::success();
}

static llvm::Error checkOptions(const KernelCall &call) {
  if (call.rounds != 7 && call.rounds != 10)
    return refuse("expected rounds to be 7 or 10, but got " +
                  Twine(call.rounds));
  if (call.resolution != 8 && call.resolution != 16)
    return refuse("expected resolution to be 8 or 16, but got " +
                  Twine(call.resolution));
  ArrayRef<int64_t> shape = call.destination.shape;
  auto rank = int64_t(shape.size());
  if (call.maskDims) {
    for (auto [index, dim] : llvm::enumerate(*call.maskDims)) {
      if (dim < 0 || dim >= rank)
        return refuse("expected mask_dims in [0, " + Twine(rank) +
                      "), but got " + formatList(*call.maskDims));
      if (llvm::is_contained(call.maskDims->take_front(index), dim))
        return refuse("expected distinct mask_dims, but got " +
                      formatList(*call.maskDims));
    }
  } else if (call.operation != KernelOperation::Mask &&
             hasChannels(call.kind) && rank < 2) {
    return refuse("expected rank 2 or more for the default mask_dims [0, 1], "
                  "but got rank " +
                  Twine(rank));
  }
  if (call.position.size() != call.fullShape.size() ||
      (!call.position.empty() && int64_t(call.position.size()) != rank))
    return refuse("expected a position and a full shape of " + Twine(rank) +
                  " entries each, but got " + Twine(call.position.size()) +
                  " and " + Twine(call.fullShape.size()));
  if (call.position.empty())
    return llvm::Error::success();
  for (auto [first, full, size] :
       llvm::zip(call.position, call.fullShape, shape))
    if (first < 0 || full < 0 || first > full || size > full - first)
      return refuse("expected the slice of shape " + formatList(shape) +
                    " at " + formatList(call.position) +
                    " to lie inside the full shape, but got " +
                    formatList(call.fullShape));
  if (!mlir::dropout::detail::countElements(call.fullShape))
    return refuse("expected the full shape to have fewer than 2^63 elements, "
                  "but got " +
                  formatShape(call.fullShape));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Dims
//===----------------------------------------------------------------------===//

/// Whether \p inner, the dim after \p outer, continues it for both arrays and
/// for the mask.
static bool isContinued(const PlanDim &outer, const PlanDim &inner) {
  bool single = outer.size == 1;
  // Strides of callers may be any number: these products wrap.
  auto follows = [&](int64_t outerStride, int64_t innerStride) {
    return uint64_t(outerStride) ==
           uint64_t(innerStride) * uint64_t(inner.size);
  };
  if (!single && !(follows(outer.sourceStride, inner.sourceStride) &&
                   follows(outer.destinationStride, inner.destinationStride)))
    return false;
  if (outer.maskOrder < 0 || inner.maskOrder < 0)
    return outer.maskOrder == inner.maskOrder;
  return inner.maskOrder == outer.maskOrder + 1 &&
         (single || (inner.position == 0 && inner.size == inner.full));
}

static void mergeDims(SmallVectorImpl<PlanDim> &dims) {
  size_t last = 0;
  for (size_t next = 1; next < dims.size(); ++next) {
    PlanDim &outer = dims[last];
    const PlanDim &inner = dims[next];
    if (!isContinued(outer, inner)) {
      dims[++last] = inner;
      continue;
    }
    outer.position = outer.position * inner.full + inner.position;
    outer.full *= inner.full;
    outer.size *= inner.size;
    outer.sourceStride = inner.sourceStride;
    outer.destinationStride = inner.destinationStride;
    // Mask orders of dims that went leave gaps, which `renumber` closes.
    outer.maskOrder = inner.maskOrder;
  }
  dims.truncate(last + 1);
}

/// Makes the mask orders 0, 1, ...
static void renumber(SmallVectorImpl<PlanDim> &dims) {
  SmallVector<PlanDim *, 6> masked;
  for (PlanDim &dim : dims)
    if (dim.maskOrder >= 0)
      masked.push_back(&dim);
  llvm::sort(masked, [](const PlanDim *a, const PlanDim *b) {
    return a->maskOrder < b->maskOrder;
  });
  for (auto [order, dim] : llvm::enumerate(masked))
    dim->maskOrder = int64_t(order);
}

llvm::Expected<Plan> mlir::dropout::makePlan(const KernelCall &call) {
  if (llvm::Error error = checkArrays(call))
    return error;
  if (llvm::Error error = checkOptions(call))
    return error;

  Plan plan;
  bool isMask = call.operation == KernelOperation::Mask;
  const StridedArray &y = call.destination;
  const StridedArray &x = isMask ? y : call.source;
  bool channels = !isMask && hasChannels(call.kind);
  for (auto [index, size] : llvm::enumerate(y.shape)) {
    plan.numElements *= size;
    int64_t order = channels && index > 1 ? -1 : int64_t(index);
    if (call.maskDims) {
      const auto *at = llvm::find(*call.maskDims, int64_t(index));
      order = at == call.maskDims->end() ? -1 : at - call.maskDims->begin();
    }
    bool slice = order >= 0 && !call.position.empty();
    int64_t position = slice ? call.position[index] : 0;
    int64_t full = slice ? call.fullShape[index] : size;
    // A dim of size 1 is nothing to walk; it matters if it moves the index.
    if (size == 1 && (order < 0 || full == 1))
      continue;
    plan.dims.push_back(
        {size, x.strides[index], y.strides[index], position, full, order});
  }
  if (plan.numElements == 0)
    return plan;
  renumber(plan.dims);
  if (!plan.dims.empty()) {
    mergeDims(plan.dims);
    renumber(plan.dims);
    // Loops go through memory in its order, whatever the order of the dims:
    // channels last in memory only is walked as if it were stated.
    auto isOuter = [](const PlanDim &a, const PlanDim &b) {
      return getMagnitude(a.destinationStride) >
             getMagnitude(b.destinationStride);
    };
    for (auto *dim = plan.dims.begin(); dim != plan.dims.end(); ++dim)
      std::rotate(std::upper_bound(plan.dims.begin(), dim, *dim, isOuter), dim,
                  dim + 1);
    mergeDims(plan.dims);
  } else {
    // One element: the first of its mask, or of a mask of one draw.
    plan.dims.push_back(
        {1, 1, 1, 0, 1,
         call.maskDims && call.maskDims->empty() ? int64_t(-1) : int64_t(0)});
  }
  renumber(plan.dims);
  if (plan.dims.size() > kMaxKernelRank)
    return refuse("expected at most " + Twine(kMaxKernelRank) +
                  " dims that memory does not walk as one, but got " +
                  Twine(plan.dims.size()));

  // A dim that walks its single element has any stride.
  for (PlanDim &dim : plan.dims)
    if (dim.size == 1)
      dim.sourceStride = dim.destinationStride = 1;
  plan.isContiguous = plan.dims.size() == 1 && plan.dims[0].sourceStride == 1 &&
                      plan.dims[0].destinationStride == 1;
  // Channel dropout of which every dim indexes the mask in order is element
  // dropout, and shares its kernels.
  bool inOrder = true;
  for (auto [index, dim] : llvm::enumerate(plan.dims))
    inOrder &= dim.maskOrder == int64_t(index);
  auto kind = uint8_t(isMask ? KernelKind::Element : call.kind);
  if (channels && inOrder)
    kind = uint8_t(call.kind == KernelKind::Channel ? KernelKind::Element
                                                    : KernelKind::Alpha);
  else if (!isMask && !channels && !inOrder)
    kind = uint8_t(call.kind == KernelKind::Element ? KernelKind::Channel
                                                    : KernelKind::FeatureAlpha);
  for (uint8_t byte :
       {uint8_t(call.operation), kind, uint8_t(y.element), uint8_t(call.rounds),
        uint8_t(call.resolution), uint8_t(plan.isContiguous)})
    plan.key.push_back(char(byte));
  for (const PlanDim &dim : plan.dims)
    plan.key.push_back(char(dim.maskOrder));
  return plan;
}

//===----------------------------------------------------------------------===//
// Source
//===----------------------------------------------------------------------===//

std::string mlir::dropout::getKernelSource(StringRef key) {
  auto operation = KernelOperation(key[0]);
  auto kind = KernelKind(key[1]);
  auto element = ElementType(key[2]);
  bool isContiguous = key[5] != 0;
  StringRef orders = key.drop_front(6);
  size_t rank = orders.size();

  // Dims in the order in which they index the mask.
  SmallVector<size_t> maskDims;
  for (size_t order = 0; order < rank; ++order)
    if (size_t at = orders.find(char(order)); at != StringRef::npos)
      maskDims.push_back(at);
  bool inOrder = maskDims.size() == rank && llvm::is_sorted(maskDims);

  std::string type = "memref<";
  for (size_t dim = 0; dim < rank; ++dim)
    type += "?x";
  type += getElementTypeName(element);
  if (!isContiguous)
    type += ", strided<[" +
            llvm::join(SmallVector<StringRef>(rank, "?"), ", ") +
            "], offset: ?>";
  type += ">";

  std::string source;
  llvm::raw_string_ostream os(source);
  bool isMask = operation == KernelOperation::Mask;
  os << "func.func @kernel(";
  if (!isMask)
    os << "%x: " << type << ", ";
  os << "%y: " << type << ", %p: f64, %seed: i64, %offset: i64, %training: i1";
  for (size_t dim = 0; dim < rank; ++dim)
    os << ", %first" << dim << ": index, %full" << dim << ": index";
  os << ") {\n  dropout.";

  static constexpr StringLiteral kinds[] = {"element", "channel", "alpha",
                                            "feature_alpha"};
  StringRef kindName = kinds[size_t(kind)];
  if (isMask)
    os << "mask into %y";
  else if (operation == KernelOperation::Backward)
    os << "backward " << kindName << " %x into %y";
  else
    os << kindName << " %x into %y";
  os << " p(%p)";
  if (!inOrder) {
    os << " mask_dims = [";
    llvm::interleaveComma(maskDims, os);
    os << "]";
  }
  if (key[3] != 10)
    os << " rounds = " << int(key[3]);
  if (key[4] != 16)
    os << " resolution = " << int(key[4]);
  os << " rng(%seed, %offset) training(%training) at [";
  for (size_t dim = 0; dim < rank; ++dim)
    os << (dim ? ", " : "") << "%first" << dim;
  os << "] of [";
  for (size_t dim = 0; dim < rank; ++dim)
    os << (dim ? ", " : "") << "%full" << dim;
  os << "] : " << type;
  if (!isMask)
    os << ", " << type;
  os << "\n  return\n}\n";
  return source;
}
