//===- CheckProbabilities.cpp - Checks of run-time probabilities ----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/Transforms/Passes.h"

#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_CHECKPROBABILITIESPASS
#include "dropout/Dialect/Dropout/Transforms/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

namespace {
struct CheckProbabilitiesPass final
    : mlir::dropout::impl::CheckProbabilitiesPassBase<CheckProbabilitiesPass> {
  void runOnOperation() override {
    getOperation()->walk([](FunctionOpInterface function) {
      // Inside a gpu.func there is no runtime: the host checks.
      bool onDevice = function->getName().getDialectNamespace() == "gpu";
      if (!function.isExternal() && !onDevice)
        checkProbabilities(function);
    });
  }

private:
  static void checkProbabilities(FunctionOpInterface function) {

    // One check per p and resolution, however many ops use it.
    llvm::MapVector<std::pair<Value, uint32_t>, SmallVector<DropoutOpInterface>>
        users;
    function->walk([&](DropoutOpInterface op) {
      Value p = op.getPValue();
      auto check = p ? p.getDefiningOp<CheckPOp>() : CheckPOp();
      if (p && (!check || check.getResolution() != op.getResolution()))
        users[{p, op.getResolution()}].push_back(op);
    });
    OpBuilder builder(function.getContext());
    for (auto &[key, ops] : users) {
      auto [p, resolution] = key;
      builder.setInsertionPointAfterValue(p);
      Value checked = CheckPOp::create(builder, p.getLoc(), p, resolution);
      for (DropoutOpInterface op : ops)
        op.getPValueMutable().assign(checked);
    }

    // The entry point checks arguments before anything is drawn or written.
    function->walk([&](CheckPOp check) {
      auto argument = dyn_cast<BlockArgument>(check.getP());
      if (argument && argument.getOwner() == &function.front())
        function.setArgAttr(argument.getArgNumber(),
                            DropoutDialect::kProbabilityArgAttrName,
                            builder.getUnitAttr());
    });
  }
};
} // namespace
