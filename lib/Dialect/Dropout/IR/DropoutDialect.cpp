//===- DropoutDialect.cpp - Dropout dialect -------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace mlir::dropout;

#include "dropout/Dialect/Dropout/IR/DropoutDialect.cpp.inc"
#include "dropout/Dialect/Dropout/IR/DropoutEnums.cpp.inc"

namespace {
/// Every op may be inlined: explicit ops are values, and implicit ones keep
/// their place in the order of effects.
struct DropoutInlinerInterface : public DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void DropoutDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dropout/Dialect/Dropout/IR/DropoutOps.cpp.inc"
      >();
  addInterfaces<DropoutInlinerInterface>();
}

Operation *DropoutDialect::materializeConstant(OpBuilder &builder,
                                               Attribute value, Type type,
                                               Location loc) {
  if (auto poison = dyn_cast<ub::PoisonAttr>(value))
    return ub::PoisonOp::create(builder, loc, type, poison);
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

LogicalResult DropoutDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                       unsigned index,
                                                       NamedAttribute attr) {
  if (attr.getName() != kProbabilityArgAttrName)
    return op->emitError("expected '")
           << kProbabilityArgAttrName
           << "', the one argument attribute of the dialect, but got '"
           << attr.getName().strref() << "'";
  if (!isa<UnitAttr>(attr.getValue()))
    return op->emitError("expected '")
           << kProbabilityArgAttrName << "' to be a unit attribute, but got "
           << attr.getValue();
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return op->emitError("expected '")
           << kProbabilityArgAttrName << "' on an argument of a function";
  Type type = function.getArgumentTypes()[index];
  if (!type.isF64())
    return op->emitError("expected '")
           << kProbabilityArgAttrName << "' on an f64 argument, but got "
           << type;
  return success();
}
