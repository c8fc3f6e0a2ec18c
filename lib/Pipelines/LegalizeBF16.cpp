//===- LegalizeBF16.cpp - bf16 as its bits --------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_LEGALIZEBF16PASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

static bool containsBF16(Type type) {
  return type
      .walk([](Type inner) {
        return inner.isBF16() ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Ops that move values and never look at their bits.
static bool onlyMoves(Operation *op) {
  return op->hasTrait<OpTrait::IsTerminator>() ||
         isa<LLVM::AddressOfOp, LLVM::AllocaOp, LLVM::BitcastOp, LLVM::CallOp,
             LLVM::ConstantOp, LLVM::ExtractElementOp, LLVM::ExtractValueOp,
             LLVM::FreezeOp, LLVM::GEPOp, LLVM::GlobalOp, LLVM::InsertElementOp,
             LLVM::InsertValueOp, LLVM::LLVMFuncOp, LLVM::LoadOp,
             LLVM::MaskedLoadOp, LLVM::MaskedStoreOp, LLVM::PoisonOp,
             LLVM::SelectOp, LLVM::ShuffleVectorOp, LLVM::StoreOp,
             LLVM::UndefOp, LLVM::ZeroOp, LLVM::masked_gather,
             LLVM::masked_scatter>(op);
}

namespace {
struct LegalizeBF16Pass
    : public dropout::impl::LegalizeBF16PassBase<LegalizeBF16Pass> {
  /// Errors for what i16 can't stand for. Sets `found` if there is a value of
  /// bf16; the name of a type that no value has hurts nobody.
  LogicalResult verify() {
    found = false;
    llvm::DenseMap<Type, bool> known;
    auto isOrHasBF16 = [&](Type type) {
      auto [entry, isNew] = known.try_emplace(type, false);
      if (isNew)
        entry->second = containsBF16(type);
      return entry->second;
    };
    WalkResult result = getOperation().walk([&](Operation *op) -> WalkResult {
      bool has = llvm::any_of(op->getOperandTypes(), isOrHasBF16) ||
                 llvm::any_of(op->getResultTypes(), isOrHasBF16);
      for (Region &region : op->getRegions())
        for (Block &block : region)
          found |= llvm::any_of(block.getArgumentTypes(), isOrHasBF16);
      found |= has;
      if (auto global = dyn_cast<LLVM::GlobalOp>(op))
        found |= isOrHasBF16(global.getGlobalType());
      if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op)) {
        bool inSignature = isOrHasBF16(function.getFunctionType());
        found |= inSignature;
        if (function.isExternal() && inSignature)
          return op->emitError("expected an external function without bf16 "
                               "values, but got @")
                 << function.getSymName();
        return WalkResult::advance();
      }
      if (has && !onlyMoves(op))
        return op->emitError("expected no arithmetic on bf16, but got '")
               << op->getName() << "'";
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  void runOnOperation() override {
    if (failed(verify()))
      return signalPassFailure();
    if (!found)
      return;
    Type i16 = IntegerType::get(&getContext(), 16);
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](BFloat16Type) { return i16; });
    replacer.addReplacement([&](LLVM::LLVMStructType type)
                                -> std::optional<std::pair<Type, WalkResult>> {
      if (type.isIdentified())
        return std::nullopt;
      SmallVector<Type> body;
      for (Type member : type.getBody())
        body.push_back(replacer.replace(member));
      return {{LLVM::LLVMStructType::getLiteral(&getContext(), body,
                                                type.isPacked()),
               WalkResult::skip()}};
    });
    replacer.addReplacement(
        [&](FloatAttr attr) -> std::optional<std::pair<Attribute, WalkResult>> {
          if (!attr.getType().isBF16())
            return std::nullopt;
          return {{IntegerAttr::get(i16, attr.getValue().bitcastToAPInt()),
                   WalkResult::skip()}};
        });
    replacer.addReplacement(
        [&](DenseElementsAttr attr)
            -> std::optional<std::pair<Attribute, WalkResult>> {
          if (!attr.getElementType().isBF16())
            return std::nullopt;
          return {{attr.bitcast(i16), WalkResult::skip()}};
        });
    replacer.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
    getOperation().walk([](LLVM::BitcastOp op) {
      if (op.getArg().getType() == op.getType()) {
        op.replaceAllUsesWith(op.getArg());
        op.erase();
      }
    });
  }

  bool found = false;
};
} // namespace
