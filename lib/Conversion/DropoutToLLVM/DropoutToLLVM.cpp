//===- DropoutToLLVM.cpp - State and validation to runtime calls ----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/DropoutToLLVM.h"
#include "dropout/Conversion/DropoutToArith.h"
#include "dropout/Conversion/Passes.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_CONVERTDROPOUTTOLLVMPASS
#include "dropout/Conversion/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

/// The symbol table that runtime functions are declared in.
static Operation *getSymbolTable(Operation *op) {
  return SymbolTable::getNearestSymbolTable(op);
}

/// The runtime function `name`, declared if need be. Fails if the symbol is
/// something else, a func.func that is still to be converted for example.
static FailureOr<LLVM::LLVMFuncOp>
getRuntimeFunction(ConversionPatternRewriter &rewriter, Operation *op,
                   StringRef name, ArrayRef<Type> arguments, Type result) {
  Operation *table = getSymbolTable(op);
  Operation *symbol =
      table ? SymbolTable::lookupSymbolIn(table, name) : nullptr;
  if (!table || (symbol && !isa<LLVM::LLVMFuncOp>(symbol)))
    return failure();
  return LLVM::lookupOrCreateFn(rewriter, table, name, arguments, result);
}

/// A pointer to the C string `text`, one global per text and module.
static Value emitString(ConversionPatternRewriter &rewriter, Operation *op,
                        StringRef text) {
  Operation *table = getSymbolTable(op);
  std::string symbol = "dropout_generator_name_" + text.str();
  Location loc = op->getLoc();
  auto global = dyn_cast_or_null<LLVM::GlobalOp>(
      SymbolTable::lookupSymbolIn(table, symbol));
  if (!global) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(&table->getRegion(0).front());
    std::string value = text.str();
    value.push_back('\0');
    auto type = LLVM::LLVMArrayType::get(rewriter.getI8Type(), value.size());
    global = LLVM::GlobalOp::create(rewriter, loc, type, /*isConstant=*/true,
                                    LLVM::Linkage::Internal, symbol,
                                    rewriter.getStringAttr(value));
  }
  return LLVM::AddressOfOp::create(rewriter, loc, global);
}

namespace {

/// %t, %s, %o = dropout.reserve becomes
/// dropoutReserve(name or null, mode, &t, &s, &o), see Runtime.h.
struct ReserveToCall : ConvertOpToLLVMPattern<ReserveOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(ReserveOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Location loc = op.getLoc();
    Type i1 = rewriter.getI1Type(), i8 = rewriter.getI8Type();
    Type i32 = rewriter.getI32Type(), i64 = rewriter.getI64Type();
    Type pointer = LLVM::LLVMPointerType::get(op.getContext());
    FailureOr<LLVM::LLVMFuncOp> callee =
        getRuntimeFunction(rewriter, op, "dropoutReserve",
                           {pointer, i32, pointer, pointer, pointer}, i32);
    auto function = op->getParentOfType<FunctionOpInterface>();
    if (failed(callee) || !function)
      return rewriter.notifyMatchFailure(op, "not in a function of a module");

    // Slots at the top of the function, so that loops do not grow the stack.
    auto allocate = [&](Type type) -> Value {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(&function.getFunctionBody().front());
      Value one = LLVM::ConstantOp::create(rewriter, loc, i32, 1);
      return LLVM::AllocaOp::create(rewriter, loc, pointer, type, one);
    };
    Value training = allocate(i8), seed = allocate(i64), offset = allocate(i64);
    Value name = op.getGenerator()
                     ? emitString(rewriter, op, *op.getGenerator())
                     : LLVM::ZeroOp::create(rewriter, loc, pointer);
    Value mode;
    if (Value flag = adaptor.getTraining())
      mode = LLVM::ZExtOp::create(rewriter, loc, i32, flag);
    else
      mode = LLVM::ConstantOp::create(rewriter, loc, i32, -1);
    LLVM::CallOp::create(rewriter, loc, *callee,
                         ValueRange{name, mode, training, seed, offset});
    Value flag = LLVM::LoadOp::create(rewriter, loc, i8, training);
    rewriter.replaceOp(op, {LLVM::TruncOp::create(rewriter, loc, i1, flag),
                            LLVM::LoadOp::create(rewriter, loc, i64, seed),
                            LLVM::LoadOp::create(rewriter, loc, i64, offset)});
    return success();
  }
};

/// %q = dropout.check_p %p becomes
/// %q = dropoutCheckPForResolution(%p, resolution).
struct CheckPToCall : ConvertOpToLLVMPattern<CheckPOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(CheckPOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Type f64 = rewriter.getF64Type(), i32 = rewriter.getI32Type();
    FailureOr<LLVM::LLVMFuncOp> callee = getRuntimeFunction(
        rewriter, op, "dropoutCheckPForResolution", {f64, i32}, f64);
    if (failed(callee))
      return rewriter.notifyMatchFailure(op, "not in a module");
    Value resolution = LLVM::ConstantOp::create(rewriter, op.getLoc(), i32,
                                                op.getResolution());
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(
        op, *callee, ValueRange{adaptor.getP(), resolution});
    return success();
  }
};

struct ConvertDropoutToLLVMPass final
    : mlir::dropout::impl::ConvertDropoutToLLVMPassBase<
          ConvertDropoutToLLVMPass> {
  void runOnOperation() override {
    if (failed(verifyLowered(getOperation())))
      return signalPassFailure();
    // Collecting patterns takes longer than to look for something to do.
    WalkResult found = getOperation()->walk([](Operation *op) {
      return isa<CheckPOp, ReserveOp>(op) ? WalkResult::interrupt()
                                          : WalkResult::advance();
    });
    if (!found.wasInterrupted())
      return;
    LLVMConversionTarget target(getContext());
    target.addLegalOp<ModuleOp>();
    target.addIllegalOp<CheckPOp, ReserveOp>();
    LLVMTypeConverter converter(&getContext());
    RewritePatternSet patterns(&getContext());
    populateDropoutToLLVMPatterns(converter, patterns);
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};

/// What upstream's convert-to-llvm asks the dialect.
struct DropoutToLLVMInterface : public ConvertToLLVMPatternInterface {
  using ConvertToLLVMPatternInterface::ConvertToLLVMPatternInterface;

  void loadDependentDialects(MLIRContext *context) const final {
    context->loadDialect<arith::ArithDialect, LLVM::LLVMDialect>();
  }

  void populateConvertToLLVMConversionPatterns(
      ConversionTarget &target, LLVMTypeConverter &converter,
      RewritePatternSet &patterns) const final {
    target.addIllegalDialect<DropoutDialect>();
    populateDropoutToLLVMPatterns(converter, patterns);
    // There is no scf left to branch with.
    populateDropoutToArithPatterns(patterns, TieForm::StraightLine);
  }
};

} // namespace

void mlir::dropout::populateDropoutToLLVMPatterns(
    const LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<CheckPToCall, ReserveToCall>(converter);
}

void mlir::dropout::registerConvertDropoutToLLVMInterface(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *, DropoutDialect *dialect) {
    dialect->addInterfaces<DropoutToLLVMInterface>();
  });
}
