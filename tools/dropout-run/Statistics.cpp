//===- Statistics.cpp - Statistics of dropout-run -------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Statistics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Format.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::dropout;

/// The number of the argument of \p function that \p value is.
static std::optional<unsigned> getArgumentNumber(func::FuncOp function,
                                                 Value value) {
  auto argument = dyn_cast_or_null<BlockArgument>(value);
  if (!argument || argument.getOwner() != &function.getBody().front())
    return std::nullopt;
  return argument.getArgNumber();
}

static std::optional<VisibleDropout> getVisible(func::FuncOp function,
                                                DropoutOpInterface op) {
  VisibleDropout visible;
  visible.opName = op->getName().getStringRef().str();
  visible.kind = op.getDropoutKind();
  visible.map = op.getValueMap();
  visible.maskDims = op.getEffectiveMaskDims();
  visible.resolution = op.getResolution();

  std::optional<unsigned> input = getArgumentNumber(function, op.getSource());
  if (!input)
    return std::nullopt;
  visible.input = *input;
  if (Value dest = op.getDest()) {
    std::optional<unsigned> output = getArgumentNumber(function, dest);
    if (!output)
      return std::nullopt;
    visible.output = *output;
    visible.outputIsResult = false;
  } else {
    bool returned = false;
    for (OpOperand &use : op->getResult(0).getUses())
      if (isa<func::ReturnOp>(use.getOwner())) {
        visible.output = use.getOperandNumber();
        returned = true;
      }
    if (!returned)
      return std::nullopt;
  }

  if (FloatAttr attribute = op.getPAttr()) {
    visible.p = attribute.getValueAsDouble();
  } else {
    Value p = op.getPValue();
    FloatAttr constant;
    if (!p)
      return std::nullopt;
    if (matchPattern(p, m_Constant(&constant))) {
      visible.p = constant.getValueAsDouble();
    } else {
      if (auto widened = p.getDefiningOp<arith::ExtFOp>())
        p = widened.getIn();
      std::optional<unsigned> argument = getArgumentNumber(function, p);
      if (!argument)
        return std::nullopt;
      visible.pArgument = *argument;
    }
  }

  if (Value flag = op.getTraining()) {
    BoolAttr constant;
    if (matchPattern(flag, m_Constant(&constant)))
      visible.training = constant.getValue();
    else if (auto argument = getArgumentNumber(function, flag))
      visible.trainingArgument = argument;
    else
      return std::nullopt;
  } else if (!op.isImplicit()) {
    visible.training = true;
  }
  return visible;
}

std::vector<VisibleDropout>
mlir::dropout::findVisibleDropout(func::FuncOp function) {
  std::vector<VisibleDropout> result;
  for (Operation &op : function.getBody().front())
    if (auto dropout = dyn_cast<DropoutOpInterface>(op))
      if (dropout.getValueMap() != ValueMap::Keep)
        if (std::optional<VisibleDropout> visible =
                getVisible(function, dropout))
          result.push_back(std::move(*visible));
  return result;
}

void mlir::dropout::printMoments(llvm::raw_ostream &os, StringRef name,
                                 StringRef type, const ArrayView &view) {
  int64_t count = view.getNumElements();
  double mean = 0, squares = 0;
  forEachElement(view, [&](ArrayRef<int64_t>, const char *element) {
    mean += getAsDouble(view.element, element);
  });
  mean /= count;
  forEachElement(view, [&](ArrayRef<int64_t>, const char *element) {
    double difference = getAsDouble(view.element, element) - mean;
    squares += difference * difference;
  });
  os << name << " : " << type << ": ";
  if (count == 0)
    os << "empty\n";
  else
    os << llvm::format("mean %.6g, variance %.6g\n", mean, squares / count);
}

namespace {
/// What tells a dropped element from a kept one.
class DropDetector {
public:
  DropDetector(const VisibleDropout &op, double p, ElementType element)
      : map(op.map), element(element), size(getElementSize(element)) {
    std::memset(dropped, 0, sizeof(dropped));
    if (map == ValueMap::Alpha && p != 1)
      setSaturation(p);
  }

  /// Whether the output says anything: a kept zero looks like a dropped
  /// element, and so does a kept saturated one of the alpha kinds.
  bool isTelling(const char *in) const {
    double x = getAsDouble(element, in);
    if (map == ValueMap::Alpha)
      return !(std::fabs(x - saturation) < 0.02);
    return x != 0;
  }

  bool isDropped(const char *out) const {
    return std::memcmp(out, dropped, size) == 0;
  }

private:
  static constexpr double saturation = -1.7580993408473768;

  /// The value of dropped elements of the alpha kinds, as the value contract
  /// computes it.
  void setSaturation(double p) {
    double q = 1 - p;
    double v = q + ((saturation * saturation) * q) * p;
    double a = 1 / std::sqrt(v);
    double b = -((a * p) * saturation);
    double d = a * saturation + b;
    if (element == ElementType::F64) {
      std::memcpy(dropped, &d, sizeof(d));
      return;
    }
    llvm::APFloat value(static_cast<float>(d));
    bool inexact;
    if (element == ElementType::F16)
      value.convert(llvm::APFloat::IEEEhalf(),
                    llvm::APFloat::rmNearestTiesToEven, &inexact);
    else if (element == ElementType::BF16)
      value.convert(llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven,
                    &inexact);
    uint64_t bits = value.bitcastToAPInt().getZExtValue();
    std::memcpy(dropped, &bits, sizeof(bits));
  }

  ValueMap map;
  ElementType element;
  unsigned size;
  char dropped[8];
};
} // namespace

void mlir::dropout::printDropped(llvm::raw_ostream &os,
                                 const VisibleDropout &op, double p,
                                 bool training, const ArrayView &in,
                                 const ArrayView &out) {
  os << op.opName << llvm::format(" p = %.9g: ", p);
  if (in.shape != out.shape || in.element != out.element)
    return void(os << "nothing to compare\n");
  if (op.resolution == 8)
    p = std::nearbyint(p * 256) / 256;
  double expected = training ? p : 0;

  // One draw per index of the mask.
  enum State : uint8_t { Unknown, Kept, Dropped, Mixed };
  int64_t draws = 1;
  for (int64_t dim : op.maskDims)
    draws *= in.shape[dim];
  std::vector<uint8_t> states(draws, Unknown);
  DropDetector detector(op, training ? p : 0, in.element);
  int64_t size = getElementSize(in.element);
  forEachElement(in, [&](ArrayRef<int64_t> index, const char *element) {
    if (!detector.isTelling(element))
      return;
    int64_t position = 0, draw = 0;
    for (auto [i, stride] : llvm::zip(index, out.strides))
      position += i * stride;
    for (int64_t dim : op.maskDims)
      draw = draw * in.shape[dim] + index[dim];
    State state = detector.isDropped(static_cast<const char *>(out.data) +
                                     position * size)
                      ? Dropped
                      : Kept;
    states[draw] =
        states[draw] == Unknown || states[draw] == state ? state : Mixed;
  });
  int64_t dropped = llvm::count(states, Dropped);
  int64_t mixed = llvm::count(states, Mixed);
  int64_t told = dropped + mixed + llvm::count(states, Kept);
  StringRef what =
      op.maskDims.size() == in.shape.size() ? "elements" : "channels";
  os << (training ? "train, " : "eval, ") << dropped << " of " << told << " "
     << what << " dropped";
  if (told < draws)
    os << " (" << draws - told << " that cannot be told are left out)";
  if (told)
    os << llvm::format(", fraction %.6g", double(dropped) / told);
  double deviation = std::sqrt(told * expected * (1 - expected));
  if (deviation > 0)
    os << llvm::format(", z = %.2f", (dropped - told * expected) / deviation);
  else if (dropped != told * expected)
    os << llvm::format(", but expected %.0f", told * expected);
  if (mixed)
    os << ", " << mixed << " only in part";
  os << '\n';
}
