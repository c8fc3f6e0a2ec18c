//===- BuildBackward.cpp - The gradient function of a function ------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reverse-mode differentiation of straight-line code in three steps: check
// every function first, so that an error leaves the module as it was; write
// each gradient function (the forward's ops again, then their gradients in
// reverse); let the forward return what that needs.
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/Transforms/Passes.h"

#include "ElementwiseGradients.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_BUILDBACKWARDPASS
#include "dropout/Dialect/Dropout/Transforms/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

/// The attribute of a forward function that names its gradient function: the
/// pass, run again, has nothing left to do.
static constexpr llvm::StringLiteral kGradientAttrName = "dropout.gradient";

static bool isFloat(Type type) {
  return isa<FloatType>(getElementTypeOrSelf(type));
}

static bool isFloatTensor(Type type) {
  return isa<RankedTensorType>(type) && isFloat(type);
}

//===----------------------------------------------------------------------===//
// Checking
//===----------------------------------------------------------------------===//

namespace {

/// A function to differentiate: finds what the gradient needs to know, or
/// reports why there is none. Changes nothing.
class Forward {
public:
  explicit Forward(func::FuncOp function) : function(function) {}

  LogicalResult check(ModuleOp module, SymbolTable &symbols);

  /// Marks the results of an element-wise `op` as active if gradients flow
  /// through it from operands in `active`.
  static void propagate(Operation *op, DenseSet<Value> &active);

  func::FuncOp function;
  /// The name of the gradient function.
  std::string gradientName;
  /// The floating-point values, those in bodies of linalg ops too, through
  /// which gradients of tensor arguments may flow.
  DenseSet<Value> active;
  /// What the forward returns behind its own results: flag, seed, offset and p
  /// of every dropout op and the results of every `dropout.reserve`.
  llvm::SetVector<Value> appended;
  SmallVector<func::CallOp> callers;

private:
  LogicalResult checkSignature(SymbolTable &symbols);
  LogicalResult checkCallers(ModuleOp module);
  LogicalResult visit(Operation *op);
  LogicalResult visitDropout(DropoutOpInterface op);
  LogicalResult visitStructured(linalg::LinalgOp op);
  LogicalResult visitElementwise(Operation *op);
  LogicalResult activate(Value value);
  LogicalResult refuse(Operation *op);

  bool isAnyActive(ValueRange values) {
    return llvm::any_of(values,
                        [&](Value value) { return active.contains(value); });
  }
};

} // namespace

void Forward::propagate(Operation *op, DenseSet<Value> &active) {
  if (getGradientRule(op) == GradientRule::Known &&
      isFloat(op->getResult(0).getType()) &&
      llvm::any_of(op->getOperands(),
                   [&](Value value) { return active.contains(value); }))
    active.insert(op->getResult(0));
}

LogicalResult Forward::check(ModuleOp module, SymbolTable &symbols) {
  if (failed(checkSignature(symbols)))
    return failure();
  for (BlockArgument argument : function.getArguments())
    if (isFloatTensor(argument.getType()) && failed(activate(argument)))
      return failure();
  for (Operation &op : function.front().without_terminator())
    if (failed(visit(&op)))
      return failure();
  return checkCallers(module);
}

LogicalResult Forward::checkSignature(SymbolTable &symbols) {
  if (function.isExternal())
    return function.emitError("expected a function with a body, but got a "
                              "declaration; define it in this module");
  if (Attribute gradient = function->getAttr(kGradientAttrName))
    return function.emitError("expected a function without a gradient, but got "
                              "one whose gradient is ")
           << gradient << "; remove its attribute '" << kGradientAttrName
           << "' to build another";
  gradientName = (function.getSymName() + "_backward").str();
  if (Operation *other = symbols.lookup(gradientName)) {
    InFlightDiagnostic error =
        function.emitError("expected the name '")
        << gradientName
        << "' to be free for the gradient, but got a symbol of that name; "
           "rename it";
    error.attachNote(other->getLoc()) << "the symbol is here";
    return error;
  }
  if (!function.getBody().hasOneBlock())
    return function.emitError("expected straight-line code, but got ")
           << function.getBody().getBlocks().size()
           << " blocks; differentiate each part in a function of its own";
  Operation *terminator = function.front().getTerminator();
  if (!isa<func::ReturnOp>(terminator))
    return terminator->emitOpError("expected 'func.return', but got this "
                                   "terminator; let the function return");
  return success();
}

LogicalResult Forward::checkCallers(ModuleOp module) {
  std::optional<SymbolTable::UseRange> uses =
      SymbolTable::getSymbolUses(function, module.getOperation());
  if (!uses)
    return function.emitError(
        "expected all symbol uses in the module to be known, but got an op of "
        "an unregistered dialect; register or remove it");
  for (SymbolTable::SymbolUse use : *uses) {
    Operation *user = use.getUser();
    if (isa<func::FuncOp>(user)) // only names us, in an attribute
      continue;
    auto call = dyn_cast<func::CallOp>(user);
    if (!call)
      return user->emitOpError("expected 'func.call' as the only use of '@")
             << function.getSymName()
             << "', whose results the gradient extends, but got this op; call "
                "the function directly";
    callers.push_back(call);
  }
  return success();
}

LogicalResult Forward::visit(Operation *op) {
  if (auto dropout = dyn_cast<DropoutOpInterface>(op))
    return visitDropout(dropout);
  if (auto reserve = dyn_cast<ReserveOp>(op)) {
    for (Value result : reserve->getResults())
      if (!result.use_empty())
        appended.insert(result);
    return success();
  }
  if (isa<CheckPOp>(op))
    return success();
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return visitStructured(structured);
  return visitElementwise(op);
}

LogicalResult Forward::visitDropout(DropoutOpInterface op) {
  if (op.isImplicit() && !op.isMemRefForm())
    return op->emitOpError("expected 'rng', but got an implicit op, whose mask "
                           "can't be drawn again; run "
                           "'dropout-materialize-state' first");
  if (op.isMemRefForm())
    return refuse(op);
  for (Value value :
       {op.getTraining(), op.getSeed(), op.getOffset(), op.getPValue()})
    if (value)
      appended.insert(value);
  Value source = op.getSource();
  if (source && active.contains(source))
    active.insert(op->getResult(0));
  return success();
}

/// The dims of an operand with `map` that stay at 0; its other dims are
/// distinct loops. Fails for any other map, and where such a dim has more than
/// one entry.
static FailureOr<SmallVector<int64_t>> getUnitDims(AffineMap map, Type type) {
  if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return failure();
  SmallVector<int64_t> dims;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    if (isa<AffineDimExpr>(expr))
      continue;
    if (cast<RankedTensorType>(type).getDimSize(dim) != 1)
      return failure();
    dims.push_back(dim);
  }
  return dims;
}

LogicalResult Forward::visitStructured(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return refuse(op);
  Block *body = op.getBlock();
  for (auto [argument, operand] :
       llvm::zip(body->getArguments(), op->getOperands()))
    if (active.contains(operand))
      active.insert(argument);
  for (Operation &nested : body->without_terminator())
    if (failed(visitElementwise(&nested)))
      return failure();
  for (auto [value, result] :
       llvm::zip(body->getTerminator()->getOperands(), op->getResults()))
    if (active.contains(value) && isFloatTensor(result.getType()) &&
        failed(activate(result)))
      return failure();
  if (!isAnyActive(op->getResults()))
    return success();

  if (op.getNumParallelLoops() != op.getNumLoops())
    return op->emitOpError("expected an element-wise op, but got one that "
                           "reduces; differentiate the element-wise code "
                           "before and behind it in functions of their own");
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (op.isDpsInit(&operand) && !map.isPermutation())
      return op->emitOpError(
                 "expected a permutation as the indexing map of each output, "
                 "but got ")
             << AffineMapAttr::get(map)
             << "; transpose or broadcast before or behind the op";
    if (active.contains(operand.get()) &&
        op.payloadUsesValueFromOperand(&operand) &&
        failed(getUnitDims(map, operand.get().getType())))
      return op->emitOpError("expected a projected permutation as the indexing "
                             "map of a differentiated operand, but got ")
             << AffineMapAttr::get(map) << " on " << operand.get().getType()
             << "; extract what it reads in a function of its own";
  }
  return success();
}

LogicalResult Forward::visitElementwise(Operation *op) {
  bool isActive = isAnyActive(op->getOperands());
  if (op->getNumRegions() != 0 || isa<DropoutOpInterface>(op) ||
      !isMemoryEffectFree(op))
    return refuse(op);
  if (!isActive)
    return success(); // a constant, as far as gradients go
  if (getGradientRule(op) == GradientRule::Unknown)
    return refuse(op);
  Value result = op->getResult(0);
  // A cast to an unranked tensor, say: code on it can't be differentiated.
  if (isFloat(result.getType()) && isa<UnrankedTensorType>(result.getType()))
    return refuse(op);
  propagate(op, active);
  return active.contains(result) ? activate(result) : success();
}

/// Gradients have the type of what they are of: only types that have numbers,
/// 0 and 1 among them, will do.
LogicalResult Forward::activate(Value value) {
  Type type = getElementTypeOrSelf(value.getType());
  if (!type.isF16() && !type.isBF16() && !type.isF32() && !type.isF64())
    return emitError(value.getLoc(),
                     "expected values of type f16, bf16, f32 or "
                     "f64 to differentiate, but got ")
           << value.getType()
           << "; extend it before it is passed to the function";
  active.insert(value);
  return success();
}

LogicalResult Forward::refuse(Operation *op) {
  for (TypeRange types :
       {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
    for (Type type : types)
      if (isa<BaseMemRefType>(type))
        return op->emitOpError("expected tensors, but got ")
               << type << "; run 'dropout-build-backward' before bufferization";
  if (isa<CallOpInterface>(op))
    return op->emitOpError(
        "expected dropout or element-wise code, but got a call; run 'inline' "
        "first, or differentiate the code before and behind it in functions of "
        "their own");
  if (isa<RegionBranchOpInterface>(op))
    return op->emitOpError(
        "expected straight-line code, but got control flow; differentiate its "
        "body in a function of its own");
  return op->emitOpError(
      "expected a dropout op or an element-wise arith, math or linalg op, but "
      "got one whose gradient is not known; differentiate the code before and "
      "behind it in functions of their own");
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

namespace {

/// The gradient found so far of each value of the forward function.
class Gradients {
public:
  /// Null if no gradient has reached `value`.
  Value lookup(Value value) const { return gradients.lookup(value); }

  /// Adds `gradient`, which may be null, to that of `value`.
  void add(OpBuilder &builder, Location loc, Value value, Value gradient) {
    if (!gradient)
      return;
    Value &sum = gradients[value];
    sum = sum ? arith::AddFOp::create(builder, loc, sum, gradient) : gradient;
  }

private:
  DenseMap<Value, Value> gradients;
};

/// Writes the gradient function of a forward function that passed its check.
class BackwardBuilder {
public:
  explicit BackwardBuilder(Forward &forward)
      : forward(forward), builder(forward.function.getContext()) {}

  void build(SymbolTable &symbols);

private:
  func::FuncOp createFunction(SymbolTable &symbols);
  void cloneForward();
  void differentiate(DropoutOpInterface op);
  void differentiate(linalg::LinalgOp op);
  void differentiate(Operation *op, OpBuilder &builder,
                     const DenseSet<Value> &active, Gradients &gradients);
  Value differentiateOperands(linalg::LinalgOp op, AffineMap map,
                              RankedTensorType type,
                              ArrayRef<unsigned> operands);
  Value createEmpty(Location loc, RankedTensorType type, AffineMap map,
                    Value shaped, AffineMap shapedMap);
  Value createZeros(Location loc, Value tensor);
  void extendForward(func::FuncOp backward);

  Forward &forward;
  OpBuilder builder;
  /// From the forward function to its copy in the gradient function.
  IRMapping mapping;
  Gradients gradients;
};

} // namespace

/// Erases the ops of `block` that nothing uses.
static void eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op) || (isa<CheckPOp>(op) && op.use_empty()))
      op.erase();
}

func::FuncOp BackwardBuilder::createFunction(SymbolTable &symbols) {
  func::FuncOp function = forward.function;
  SmallVector<Type> inputs, results;
  SmallVector<Location> locations;
  Operation *terminator = function.front().getTerminator();
  for (Value result : terminator->getOperands())
    if (isFloatTensor(result.getType())) {
      inputs.push_back(result.getType());
      locations.push_back(result.getLoc());
    }
  for (BlockArgument argument : function.getArguments()) {
    inputs.push_back(argument.getType());
    locations.push_back(argument.getLoc());
    if (isFloatTensor(argument.getType()))
      results.push_back(argument.getType());
  }
  for (Value value : forward.appended) {
    inputs.push_back(value.getType());
    locations.push_back(value.getLoc());
  }

  auto backward =
      func::FuncOp::create(function.getLoc(), forward.gradientName,
                           builder.getFunctionType(inputs, results));
  // Wishes about the function, such as a C interface, hold for its gradient.
  for (NamedAttribute attr : function->getDiscardableAttrs())
    if (!isa_and_nonnull<DropoutDialect>(attr.getNameDialect()))
      backward->setDiscardableAttr(attr.getName(), attr.getValue());
  symbols.insert(backward, std::next(Block::iterator(function)));
  Block *entry = backward.addEntryBlock();
  for (auto [argument, loc] : llvm::zip(entry->getArguments(), locations))
    argument.setLoc(loc);
  builder.setInsertionPointToEnd(entry);

  // Values that are passed in stand for those of the forward function. An
  // argument that is appended, too, is read from where it was appended.
  auto next = entry->getArguments().begin();
  for (Value result : terminator->getOperands())
    if (isFloatTensor(result.getType())) {
      BlockArgument gradient = *next++;
      if (forward.active.contains(result))
        gradients.add(builder, terminator->getLoc(), result, gradient);
    }
  for (BlockArgument argument : function.getArguments())
    mapping.map(argument, *next++);
  for (Value value : forward.appended)
    mapping.map(value, *next++);
  return backward;
}

void BackwardBuilder::cloneForward() {
  for (Operation &op : forward.function.front().without_terminator()) {
    auto isAppended = [&](Value value) {
      return forward.appended.contains(value);
    };
    // No draw is taken twice, and no p is checked twice.
    if (isa<ReserveOp>(op) ||
        (isa<CheckPOp>(op) && isAppended(op.getResult(0))))
      continue;
    SmallVector<std::pair<Value, Value>> passed;
    for (Value result : llvm::make_filter_range(op.getResults(), isAppended))
      passed.emplace_back(result, mapping.lookup(result));
    builder.clone(op, mapping);
    for (auto [result, argument] : passed)
      mapping.map(result, argument);
  }
}

void BackwardBuilder::differentiate(DropoutOpInterface op) {
  Value source = op.getSource();
  if (!source || !forward.active.contains(source))
    return;
  Value dy = gradients.lookup(op->getResult(0));
  if (!dy)
    return;
  auto lookup = [&](Value value) {
    return value ? mapping.lookup(value) : Value();
  };
  auto lookupRange = [&](OperandRange values) {
    return llvm::map_to_vector(values, lookup);
  };
  // The gradient is linear in dy: that of a `dropout.backward` is the same op.
  auto gradient = BackwardOp::create(
      builder, op.getLoc(), dy.getType(), dy, /*dest=*/Value(),
      lookup(op.getPValue()), lookup(op.getSeed()), lookup(op.getOffset()),
      /*state=*/Value(), lookup(op.getTraining()),
      lookupRange(op.getPositionOffsets()), lookupRange(op.getPositionSizes()),
      op.getPAttr(), op.getMaskDimsAttr(), op.getRounds(), op.getResolution(),
      op.getContractVersion(),
      /*generator=*/StringAttr(), op.getStaticOffsetsAttr(),
      op.getStaticSizesAttr(), op.getDropoutKind());
  gradients.add(builder, op.getLoc(), source, gradient->getResult(0));
}

void BackwardBuilder::differentiate(Operation *op, OpBuilder &builder,
                                    const DenseSet<Value> &active,
                                    Gradients &gradients) {
  if (getGradientRule(op) != GradientRule::Known ||
      !active.contains(op->getResult(0)))
    return;
  Value dy = gradients.lookup(op->getResult(0));
  if (!dy)
    return;
  SmallVector<bool> wanted = llvm::map_to_vector(
      op->getOperands(), [&](Value value) { return active.contains(value); });
  SmallVector<Value> found(op->getNumOperands());
  emitElementwiseGradients(builder, mapping.lookup(op), dy, wanted, found);
  for (auto [operand, gradient] : llvm::zip(op->getOperands(), found))
    gradients.add(builder, op->getLoc(), operand, gradient);
}

void BackwardBuilder::differentiate(linalg::LinalgOp op) {
  // One gradient per tensor and map: the uses that share both share a loop.
  llvm::MapVector<std::pair<Value, AffineMap>, SmallVector<unsigned>> uses;
  for (auto [operand, argument] :
       llvm::zip(op->getOpOperands(), op.getBlock()->getArguments()))
    if (forward.active.contains(argument) && !argument.use_empty())
      uses[{operand.get(), op.getMatchingIndexingMap(&operand)}].push_back(
          operand.getOperandNumber());
  if (llvm::none_of(op->getResults(),
                    [&](Value result) { return gradients.lookup(result); }))
    return;
  for (auto &[key, operands] : uses) {
    auto [value, map] = key;
    gradients.add(builder, op.getLoc(), value,
                  differentiateOperands(op, map,
                                        cast<RankedTensorType>(value.getType()),
                                        operands));
  }
}

/// `value` in the wider `type`; what it was rounded from, if that has the type.
static Value widen(OpBuilder &builder, Location loc, Value value, Type type) {
  if (auto rounded = value.getDefiningOp<arith::TruncFOp>())
    if (rounded.getIn().getType() == type)
      return rounded.getIn();
  return arith::ExtFOp::create(builder, loc, type, value);
}

/// The gradient of the tensor of `type` that `op` reads through `map` as each
/// of `operands`: a generic that runs the loops of `op`, its body again and
/// then that body's gradient. Loops that `map` leaves out, a broadcast, are a
/// sum.
Value BackwardBuilder::differentiateOperands(linalg::LinalgOp op, AffineMap map,
                                             RankedTensorType type,
                                             ArrayRef<unsigned> operands) {
  Location loc = op.getLoc();
  Block *body = op.getBlock();
  auto gradientBody = std::make_unique<Block>();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  auto addInput = [&](Value value, AffineMap inputMap) {
    inputs.push_back(value);
    maps.push_back(inputMap);
    return gradientBody->addArgument(getElementTypeOrSelf(value.getType()),
                                     loc);
  };

  // The operands of `op`, then the gradients of its results. Inputs that turn
  // out not to be needed are taken back below.
  DenseSet<Value> active;
  for (auto [operand, argument] :
       llvm::zip(op->getOpOperands(), body->getArguments())) {
    mapping.map(argument, addInput(mapping.lookup(operand.get()),
                                   op.getMatchingIndexingMap(&operand)));
    if (llvm::is_contained(operands, operand.getOperandNumber()))
      active.insert(argument);
  }
  for (Operation &nested : body->without_terminator())
    Forward::propagate(&nested, active);
  OpBuilder bodyBuilder(builder.getContext());
  bodyBuilder.setInsertionPointToEnd(gradientBody.get());
  Gradients bodyGradients;
  Value shaped;
  AffineMap shapedMap;
  for (auto [result, yielded] :
       llvm::zip(op->getResults(), body->getTerminator()->getOperands())) {
    Value dy = gradients.lookup(result);
    if (!dy || !active.contains(yielded))
      continue;
    shaped = dy;
    shapedMap = op.getIndexingMapMatchingResult(cast<OpResult>(result));
    bodyGradients.add(bodyBuilder, loc, yielded, addInput(dy, shapedMap));
  }
  if (!shaped)
    return Value();

  for (Operation &nested : body->without_terminator())
    bodyBuilder.clone(nested, mapping);
  for (Operation &nested : llvm::reverse(body->without_terminator()))
    differentiate(&nested, bodyBuilder, active, bodyGradients);
  Gradients total;
  Value key = body->getArgument(operands.front());
  for (unsigned operand : operands)
    total.add(bodyBuilder, loc, key,
              bodyGradients.lookup(body->getArgument(operand)));
  Value gradient = total.lookup(key);
  if (!gradient)
    return Value();

  // Dims of size 1 that stay at 0 are left out here and put back at the end.
  SmallVector<int64_t> unitDims = *getUnitDims(map, type);
  SmallVector<AffineExpr> exprs;
  SmallVector<int64_t> shape;
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    if (!llvm::is_contained(unitDims, static_cast<int64_t>(dim))) {
      exprs.push_back(expr);
      shape.push_back(type.getDimSize(dim));
    }
  unsigned numLoops = op.getNumLoops();
  AffineMap outputMap =
      AffineMap::get(numLoops, 0, exprs, builder.getContext());
  SmallVector<utils::IteratorType> iterators(numLoops,
                                             utils::IteratorType::reduction);
  for (AffineExpr expr : exprs)
    iterators[cast<AffineDimExpr>(expr).getPosition()] =
        utils::IteratorType::parallel;
  bool isSum = exprs.size() != numLoops;

  // A sum passes the gradient of its result on as it is.
  if (auto passed = dyn_cast<BlockArgument>(gradient)) {
    unsigned index = passed.getArgNumber();
    if (maps[index] == outputMap && inputs[index].getType() == type)
      return inputs[index];
  }

  // Long sums of 16-bit numbers are rounded once.
  Type elementType = type.getElementType();
  Type sumType = elementType;
  if (isSum && elementType.getIntOrFloatBitWidth() < 32)
    sumType = builder.getF32Type();
  BlockArgument sum = gradientBody->addArgument(sumType, loc);
  if (isSum) {
    if (sumType != elementType)
      gradient = widen(bodyBuilder, loc, gradient, sumType);
    gradient = arith::AddFOp::create(bodyBuilder, loc, sum, gradient);
  }
  linalg::YieldOp::create(bodyBuilder, loc, gradient);
  eraseDeadOps(*gradientBody);
  for (unsigned index = inputs.size(); index-- > 0;)
    if (gradientBody->getArgument(index).use_empty()) {
      gradientBody->eraseArgument(index);
      inputs.erase(inputs.begin() + index);
      maps.erase(maps.begin() + index);
    }
  maps.push_back(outputMap);

  auto gradientType = RankedTensorType::get(shape, sumType, type.getEncoding());
  Value output = createEmpty(loc, gradientType, outputMap, shaped, shapedMap);
  if (isSum) {
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(sumType));
    output = linalg::FillOp::create(builder, loc, zero, output).getResult(0);
  }
  auto generic = linalg::GenericOp::create(builder, loc, gradientType, inputs,
                                           output, maps, iterators);
  generic.getRegion().push_back(gradientBody.release());
  Value result = generic.getResult(0);
  if (sumType != elementType)
    result = arith::TruncFOp::create(builder, loc,
                                     gradientType.clone(elementType), result);
  if (!unitDims.empty()) {
    Value full = createEmpty(loc, type, map, shaped, shapedMap);
    result = linalg::BroadcastOp::create(builder, loc, result, full, unitDims)
                 ->getResult(0);
  }
  return result;
}

/// An uninitialised tensor of `type` that loops reach through `map`, in loops
/// that reach `shaped` through `shapedMap`, a permutation.
Value BackwardBuilder::createEmpty(Location loc, RankedTensorType type,
                                   AffineMap map, Value shaped,
                                   AffineMap shapedMap) {
  SmallVector<Value> sizes;
  for (auto [size, expr] : llvm::zip(type.getShape(), map.getResults()))
    if (ShapedType::isDynamic(size))
      sizes.push_back(builder.createOrFold<tensor::DimOp>(
          loc, shaped, *shapedMap.getResultPosition(expr)));
  return tensor::EmptyOp::create(builder, loc, type.getShape(),
                                 type.getElementType(), sizes,
                                 type.getEncoding());
}

/// Zeros of the type and sizes of `tensor`.
Value BackwardBuilder::createZeros(Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  Value empty = createEmpty(loc, type, identity, tensor, identity);
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(type.getElementType()));
  return linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
}

void BackwardBuilder::extendForward(func::FuncOp backward) {
  func::FuncOp function = forward.function;
  cast<func::ReturnOp>(function.front().getTerminator())
      .getOperandsMutable()
      .append(forward.appended.getArrayRef());
  SmallVector<Type> results = llvm::to_vector(function.getResultTypes());
  SmallVector<unsigned> positions(forward.appended.size(), results.size());
  SmallVector<DictionaryAttr> attributes(forward.appended.size());
  SmallVector<Type> types = llvm::map_to_vector(
      forward.appended, [](Value value) { return value.getType(); });
  (void)function.insertResults(positions, types, attributes);
  function->setAttr(kGradientAttrName, FlatSymbolRefAttr::get(backward));

  for (func::CallOp call : forward.callers) {
    OpBuilder callBuilder(call);
    auto extended = func::CallOp::create(callBuilder, call.getLoc(), function,
                                         call.getOperands());
    extended->setDiscardableAttrs(call->getDiscardableAttrDictionary());
    extended.setNoInline(call.getNoInline());
    extended.setArgAttrsAttr(call.getArgAttrsAttr());
    call->replaceAllUsesWith(
        extended->getResults().take_front(call->getNumResults()));
    call->erase();
  }
}

void BackwardBuilder::build(SymbolTable &symbols) {
  func::FuncOp function = forward.function;
  func::FuncOp backward = createFunction(symbols);
  cloneForward();
  for (Operation &op : llvm::reverse(function.front().without_terminator())) {
    if (auto dropout = dyn_cast<DropoutOpInterface>(op))
      differentiate(dropout);
    else if (auto structured = dyn_cast<linalg::LinalgOp>(op))
      differentiate(structured);
    else
      differentiate(&op, builder, forward.active, gradients);
  }

  Location loc = function.front().getTerminator()->getLoc();
  SmallVector<Value> results;
  for (BlockArgument argument : function.getArguments())
    if (isFloatTensor(argument.getType())) {
      Value gradient = gradients.lookup(argument);
      results.push_back(gradient ? gradient
                                 : createZeros(loc, mapping.lookup(argument)));
    }
  func::ReturnOp::create(builder, loc, results);
  eraseDeadOps(backward.front());
  extendForward(backward);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct BuildBackwardPass final
    : mlir::dropout::impl::BuildBackwardPassBase<BuildBackwardPass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    FailureOr<llvm::SetVector<func::FuncOp>> selected = select(module, symbols);
    if (failed(selected))
      return signalPassFailure();
    SmallVector<Forward> forwards;
    bool isValid = true;
    for (func::FuncOp function : *selected)
      isValid &=
          succeeded(forwards.emplace_back(function).check(module, symbols));
    if (!isValid)
      return signalPassFailure();
    for (Forward &forward : forwards)
      BackwardBuilder(forward).build(symbols);
  }

private:
  /// The functions named, or all that have dropout and no gradient yet.
  FailureOr<llvm::SetVector<func::FuncOp>> select(ModuleOp module,
                                                  SymbolTable &symbols) {
    llvm::StringSet<> gradientNames;
    for (auto function : module.getOps<func::FuncOp>())
      if (auto name =
              function->getAttrOfType<FlatSymbolRefAttr>(kGradientAttrName))
        gradientNames.insert(name.getValue());

    llvm::SetVector<func::FuncOp> selected;
    for (const std::string &name : functions) {
      auto function = symbols.lookup<func::FuncOp>(name);
      if (!function)
        return module.emitError("expected option 'functions' to name functions "
                                "of the module, but got '")
               << name << "'";
      // The guards of first derivatives don't have the right second ones.
      if (gradientNames.contains(name))
        return function.emitError(
            "expected a function that is no gradient, but got the gradient of "
            "another; second derivatives are not supported");
      selected.insert(function);
    }
    if (!functions.empty())
      return selected;

    for (auto function : module.getOps<func::FuncOp>()) {
      if (!function.isPublic() || function->hasAttr(kGradientAttrName) ||
          gradientNames.contains(function.getSymName()))
        continue;
      WalkResult result = function->walk(
          [](DropoutOpInterface) { return WalkResult::interrupt(); });
      if (result.wasInterrupted())
        selected.insert(function);
    }
    return selected;
  }
};

} // namespace
