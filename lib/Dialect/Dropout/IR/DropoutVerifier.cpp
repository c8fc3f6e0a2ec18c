//===- DropoutVerifier.cpp - Constraints of the dropout ops ---------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each constraint carries its label, which the documentation of the ops
// explains and a test in test/Dialect/Dropout/*-errors.mlir breaks.
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"

#include <charconv>

using namespace mlir;
using namespace mlir::dropout;

std::optional<int64_t>
mlir::dropout::detail::countElements(ArrayRef<int64_t> shape) {
  if (llvm::is_contained(shape, 0))
    return 0;
  int64_t count = 1;
  for (int64_t size : shape)
    if (ShapedType::isStatic(size) && llvm::MulOverflow(count, size, count))
      return std::nullopt;
  return count;
}

/// The shape as people write it: [4, ?].
static std::string toString(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      os << '?';
    else
      os << size;
  });
  os << ']';
  return text;
}

/// The shortest decimal that is read back as `value`.
static std::string toString(double value) {
  char text[64];
  return std::string(text, std::to_chars(text, std::end(text), value).ptr);
}

//===----------------------------------------------------------------------===//
// p, options and generator
//===----------------------------------------------------------------------===//

static LogicalResult verifyResolution(Operation *op, uint32_t resolution) {
  if (resolution != 8 && resolution != 16) // [O2]
    return op->emitOpError("expected 'resolution' to be 8 or 16, but got ")
           << static_cast<int32_t>(resolution);
  return success();
}

static LogicalResult verifyOptions(Operation *op, uint32_t rounds,
                                   uint32_t resolution, uint32_t version) {
  if (rounds != 7 && rounds != 10) // [O1]
    return op->emitOpError("expected 'rounds' to be 7 or 10, but got ")
           << static_cast<int32_t>(rounds);
  if (failed(verifyResolution(op, resolution)))
    return failure();
  if (version != kContractVersion) // [O3]
    return op->emitOpError("expected 'contract_version' to be ")
           << kContractVersion << ", but got " << static_cast<int32_t>(version);
  return success();
}

static LogicalResult verifyProbability(DropoutOpInterface op) {
  FloatAttr p = op.getPAttr();
  bool isMask = op.getValueMap() == ValueMap::Keep;
  int given =
      (p ? 1 : 0) + (op.getPValue() ? 1 : 0) + (op.getThreshold() ? 1 : 0);
  if (given != 1) // [P1], [M1]
    return op->emitOpError("expected exactly one of the attribute p")
           << (isMask ? ", the operand p and the threshold"
                      : " and the operand p")
           << ", but got " << given;
  if (op.getThreshold() && op.getTraining()) // [M4]
    return op->emitOpError("expected no training flag beside a threshold, "
                           "which stands for it, but got both");
  if (!p)
    return success();
  double value = p.getValueAsDouble();
  if (!isProbability(value)) // [P2]
    return op->emitOpError("expected p in [0, 1], but got ") << toString(value);
  if (!isRepresentable(value, op.getResolution())) // [P3]
    return op->emitOpError("expected p to be 0, 1 or to round to 1/256 ... "
                           "255/256 with 'resolution' 8, but got ")
           << toString(value);
  return success();
}

/// The rule of the runtime for names.
static LogicalResult verifyGeneratorName(Operation *op, StringAttr attr) {
  if (!attr)
    return success();
  StringRef name = attr.getValue();
  bool printable = llvm::none_of(
      name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > 255 || !printable ||
      !llvm::json::isUTF8(name)) // [S1]
    return op->emitOpError("expected a generator's name of 1 to 255 bytes of "
                           "UTF-8 without control characters, but got ")
           << attr;
  return success();
}

static LogicalResult verifyGenerator(DropoutOpInterface op) {
  if (!op.getSeed() != !op.getOffset()) // [G1]
    return op->emitOpError("expected seed and offset together, but got only ")
           << (op.getSeed() ? "the seed" : "the offset");
  int given = (op.getSeed() ? 1 : 0) + (op.getState() ? 1 : 0) +
              (op.getGeneratorAttr() ? 1 : 0);
  if (given > 1) // [G1]
    return op->emitOpError("expected at most one of seed and offset, a state "
                           "and a generator's name, but got ")
           << given;
  if (failed(verifyGeneratorName(op, op.getGeneratorAttr())))
    return failure();
  if (Value state = op.getState()) {
    auto type = cast<MemRefType>(state.getType());
    if (type.getShape() != ArrayRef<int64_t>{2} ||
        !type.getElementType().isSignlessInteger(64)) // [G2]
      return op->emitOpError("expected the state to be memref<2xi64>, but got ")
             << type;
    if (!op.getDest()) // [G2]
      return op->emitOpError("expected a state only in the memref form, but "
                             "the operand is ")
             << op.getShapedType();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Types, dims and position
//===----------------------------------------------------------------------===//

static LogicalResult verifyElementType(DropoutOpInterface op, ShapedType type) {
  Type element = type.getElementType();
  if (op.getValueMap() == ValueMap::Keep) {
    if (!element.isSignlessInteger(1)) // [M2]
      return op->emitOpError("expected a mask of i1, but got ") << type;
  } else if (!element.isF16() && !element.isBF16() && !element.isF32() &&
             !element.isF64()) { // [T1]
    return op->emitOpError("expected elements of f16, bf16, f32 or f64, but "
                           "got ")
           << element;
  }
  if (auto memref = dyn_cast<MemRefType>(type); memref && !memref.isStrided())
    return op->emitOpError("expected a strided memref, but got ") // [T1]
           << memref;
  if (auto tensor = dyn_cast<RankedTensorType>(type);
      tensor && tensor.getEncoding())
    return op->emitOpError("expected a tensor without encoding, but got ")
           << tensor; // [T1]
  return success();
}

static LogicalResult verifyShapes(DropoutOpInterface op) {
  ShapedType type = op.getShapedType();
  if (failed(verifyElementType(op, type)))
    return failure();
  if (!mlir::dropout::detail::countElements(type.getShape())) // [T2]
    return op->emitOpError("expected less than 2^63 elements, but got ")
           << type;

  Value source = op.getSource(), dest = op.getDest();
  bool isMemRef = isa<MemRefType>(type);
  if (isMemRef && !dest) // [F1]
    return op->emitOpError("expected a destination for the memref operand, "
                           "but got none");
  if (!isMemRef && dest) // [F1]
    return op->emitOpError("expected no destination for a tensor operand, but "
                           "got ")
           << dest.getType();
  if (source && dest) {
    auto destType = cast<MemRefType>(dest.getType());
    if (destType.getElementType() != type.getElementType() ||
        failed(verifyCompatibleShape(destType.getShape(),
                                     type.getShape()))) // [F2]
      return op->emitOpError("expected the destination to have shape ")
             << toString(type.getShape()) << " and element type "
             << type.getElementType() << ", but got " << destType;
    if (failed(verifyElementType(op, destType)))
      return failure();
  }
  if (isMemRef && op->getNumResults() != 0) // [F3]
    return op->emitOpError("expected no results in the memref form, but got ")
           << op->getNumResults();
  return success();
}

static LogicalResult verifyMaskDims(DropoutOpInterface op) {
  int64_t rank = op.getShapedType().getRank();
  bool takesDims = op.getValueMap() == ValueMap::Keep ||
                   op.getDropoutKind() == Kind::Channel ||
                   op.getDropoutKind() == Kind::FeatureAlpha;
  DenseI64ArrayAttr dims = op.getMaskDimsAttr();
  if (!dims) {
    if (takesDims && op.getValueMap() != ValueMap::Keep && rank < 2) // [D3]
      return op->emitOpError("expected rank 2 or more for the default "
                             "'mask_dims' [0, 1], but got rank ")
             << rank << "; state 'mask_dims'";
    return success();
  }
  if (!takesDims) // [D2]
    return op->emitOpError("expected no 'mask_dims' for ")
           << stringifyKind(op.getDropoutKind()) << " dropout, but got "
           << toString(dims.asArrayRef());
  llvm::SmallBitVector seen(rank);
  for (int64_t dim : dims.asArrayRef()) {
    if (dim < 0 || dim >= rank) // [D1]
      return op->emitOpError("expected 'mask_dims' in [0, ")
             << rank << "), but got " << toString(dims.asArrayRef());
    if (seen.test(dim)) // [D1]
      return op->emitOpError("expected distinct 'mask_dims', but got ")
             << toString(dims.asArrayRef());
    seen.set(dim);
  }
  return success();
}

static LogicalResult verifyPosition(DropoutOpInterface op) {
  DenseI64ArrayAttr offsets = op.getStaticOffsetsAttr();
  DenseI64ArrayAttr sizes = op.getStaticSizesAttr();
  if (!offsets && !sizes && op.getPositionOffsets().empty() &&
      op.getPositionSizes().empty())
    return success();
  if (!offsets || !sizes) // [A1]
    return op->emitOpError("expected 'at' and 'of' together, but got only ")
           << (offsets ? "'at'" : "'of'");
  ShapedType type = op.getShapedType();
  int64_t rank = type.getRank();
  if (offsets.size() != rank || sizes.size() != rank) // [A1]
    return op->emitOpError("expected ")
           << rank << " entries in 'at' and in 'of', but got " << offsets.size()
           << " and " << sizes.size();
  auto countDynamic = [](DenseI64ArrayAttr entries) {
    return llvm::count_if(entries.asArrayRef(), ShapedType::isDynamic);
  };
  if (countDynamic(offsets) != int64_t(op.getPositionOffsets().size()) ||
      countDynamic(sizes) != int64_t(op.getPositionSizes().size())) // [A1]
    return op->emitOpError("expected one operand per dynamic entry of 'at' "
                           "and 'of', but got ")
           << op.getPositionOffsets().size() << " and "
           << op.getPositionSizes().size();
  for (auto [dim, offset, whole, size] : llvm::enumerate(
           offsets.asArrayRef(), sizes.asArrayRef(), type.getShape())) {
    for (int64_t entry : {offset, whole})
      if (ShapedType::isStatic(entry) && entry < 0) // [A2]
        return op->emitOpError("expected entries of 'at' and 'of' that are "
                               "not negative, but got ")
               << entry;
    if (ShapedType::isDynamic(whole))
      continue;
    int64_t begin = ShapedType::isDynamic(offset) ? 0 : offset;
    int64_t extent = ShapedType::isDynamic(size) ? 0 : size;
    if (begin > whole || extent > whole - begin) // [A2]
      return op->emitOpError("expected the slice to end at ")
             << whole << " or before in dim " << dim << ", but it covers ["
             << begin << ", " << begin << " + " << extent << ")";
  }
  if (!mlir::dropout::detail::countElements(sizes.asArrayRef())) // [T2]
    return op->emitOpError("expected less than 2^63 elements in the whole "
                           "tensor, but got ")
           << toString(sizes.asArrayRef());
  return success();
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

static LogicalResult verifyResults(DropoutOpInterface op) {
  if (op.isMemRefForm())
    return success();
  ShapedType type = op.getShapedType();
  if (auto mask = dyn_cast<MaskOp>(op.getOperation())) {
    if (type.getNumDynamicDims() != mask.getDynamicSizes().size())
      return op->emitOpError("expected ") // [M3]
             << type.getNumDynamicDims() << " dynamic size(s) for " << type
             << ", but got " << mask.getDynamicSizes().size();
    return success();
  }
  bool isValueOp = op.getValueMap() == ValueMap::Alpha ||
                   (op.getValueMap() == ValueMap::Scale &&
                    !isa<BackwardOp>(op.getOperation()));
  unsigned most = isValueOp ? 2 : 1;
  if (op->getNumResults() < 1 || op->getNumResults() > most) // [R1]
    return op->emitOpError("expected one result")
           << (isValueOp ? ", or two with the mask" : "") << ", but got "
           << op->getNumResults();
  if (op->getResult(0).getType() != type) // [R1]
    return op->emitOpError("expected a result of type ")
           << type << ", but got " << op->getResult(0).getType();
  if (Value mask = op.getMaskResult()) {
    SmallVector<int64_t> shape;
    for (int64_t dim : op.getEffectiveMaskDims())
      shape.push_back(type.getDimSize(dim));
    auto expected =
        RankedTensorType::get(shape, IntegerType::get(op->getContext(), 1));
    if (mask.getType() != expected) // [R2]
      return op->emitOpError("expected a mask of type ")
             << expected << ", but got " << mask.getType();
    if (op.isImplicit()) // [R2]
      return op->emitOpError("expected seed and offset for a mask result, but "
                             "got an implicit op");
  }
  return success();
}

/// ODS checks the sizes of optional operand groups only.
static LogicalResult verifyOperandGroups(DropoutOpInterface op) {
  auto sizes = op->getAttrOfType<DenseI32ArrayAttr>("operandSegmentSizes");
  bool isMask = op.getValueMap() == ValueMap::Keep;
  if (!isMask && sizes && sizes[0] != 1) // [T1]
    return op->emitOpError("expected one operand to drop, but got ")
           << sizes[0];
  return success();
}

LogicalResult mlir::dropout::detail::verifyMaskedOp(DropoutOpInterface op) {
  if (failed(verifyOperandGroups(op)))
    return failure();
  // A mask without a result has a destination to take its shape from.
  if (!op.getSource() && !op.getDest() && op->getNumResults() == 0) // [F1]
    return op->emitOpError("expected a result or a destination, but got none");
  if (auto mask = dyn_cast<MaskOp>(op.getOperation())) {
    if (op.getDest() && op->getNumResults() != 0) // [F3]
      return op->emitOpError("expected no result in the memref form, but got ")
             << op->getNumResults();
    if (op.getDest() && !mask.getDynamicSizes().empty()) // [M3]
      return op->emitOpError("expected no dynamic sizes beside a destination, "
                             "but got ")
             << mask.getDynamicSizes().size();
  }
  bool needsSeed =
      op.getValueMap() == ValueMap::Keep || isa<BackwardOp>(op.getOperation());
  if (needsSeed && op.isImplicit()) // [B1]
    return op->emitOpError("expected the seed and offset of the forward op, "
                           "as there is no implicit form, but got none");
  if (failed(verifyShapes(op)) || failed(verifyMaskDims(op)))
    return failure();
  if (failed(verifyOptions(op, op.getRounds(), op.getResolution(),
                           op.getContractVersion())) ||
      failed(verifyProbability(op)) || failed(verifyGenerator(op)) ||
      failed(verifyPosition(op)))
    return failure();
  return verifyResults(op);
}

LogicalResult ReserveOp::verify() {
  return verifyGeneratorName(*this, getGeneratorAttr());
}

LogicalResult CheckPOp::verify() {
  return verifyResolution(*this, getResolution());
}

LogicalResult KeepOp::verify() {
  return verifyOptions(*this, getRounds(), getResolution(),
                       getContractVersion());
}

LogicalResult KeepRunOp::verify() {
  if (failed(verifyOptions(*this, getRounds(), getResolution(),
                           getContractVersion())))
    return failure();
  int64_t lanes = getType().getNumElements();
  int64_t smallest = getResolution() == 8 ? 32 : 16;
  if (getType().isScalable() || !llvm::isPowerOf2_64(lanes) ||
      lanes < smallest || lanes > 256) // [K3]
    return emitOpError("expected a fixed vector of ")
           << (smallest == 16 ? "16, " : "")
           << "32, 64, 128 or 256 bits, but got " << getType();
  return success();
}

LogicalResult mlir::dropout::requireExplicit(DropoutOpInterface op) {
  if (!op.isImplicit())
    return success();
  return op->emitOpError("expected an explicit generator, but got an implicit "
                         "op; run 'dropout-materialize-state' first");
}

//===----------------------------------------------------------------------===//
// What no lowering has taken
//===----------------------------------------------------------------------===//

/// The passes that take `op` from here.
static StringRef getMissingPass(Operation *op) {
  if (auto masked = dyn_cast<DropoutOpInterface>(op)) {
    if (masked.isImplicit())
      return "dropout-materialize-state";
    if (masked.getValueMap() == ValueMap::Keep && !masked.isMemRefForm())
      return "dropout-inline-mask";
    return masked.isMemRefForm()
               ? "convert-dropout-to-linalg' or 'convert-dropout-to-affine"
               : "convert-dropout-to-linalg";
  }
  return "convert-dropout-to-arith"; // dropout.keep, dropout.keep_run
}

LogicalResult mlir::dropout::verifyLowered(Operation *root) {
  bool lowered = true;
  root->walk([&](Operation *op) {
    // State and checks become runtime calls in the conversion to LLVM.
    if (!isa_and_nonnull<DropoutDialect>(op->getDialect()) ||
        isa<ReserveOp, CheckPOp>(op))
      return;
    op->emitOpError("expected to be lowered, but got here; run '")
        << getMissingPass(op) << "' before";
    lowered = false;
  });
  return success(lowered);
}
