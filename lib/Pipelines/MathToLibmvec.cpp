//===- MathToLibmvec.cpp - Vector functions of glibc ----------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names are those of the x86-64 vector function ABI, as in glibc's
// sysdeps/x86_64/fpu/Versions: _ZGV, the instruction set (b: SSE4, d: AVX2,
// e: AVX-512), N for no mask, the number of lanes, a v for each operand.
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_MATHTOLIBMVECPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

/// What C calls the function of an op; empty if libmvec has none.
static StringRef getFunctionName(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case<math::AcosOp>([](auto) { return "acos"; })
      .Case<math::AcoshOp>([](auto) { return "acosh"; })
      .Case<math::AsinOp>([](auto) { return "asin"; })
      .Case<math::AsinhOp>([](auto) { return "asinh"; })
      .Case<math::AtanOp>([](auto) { return "atan"; })
      .Case<math::Atan2Op>([](auto) { return "atan2"; })
      .Case<math::AtanhOp>([](auto) { return "atanh"; })
      .Case<math::CbrtOp>([](auto) { return "cbrt"; })
      .Case<math::CosOp>([](auto) { return "cos"; })
      .Case<math::CoshOp>([](auto) { return "cosh"; })
      .Case<math::ErfOp>([](auto) { return "erf"; })
      .Case<math::ErfcOp>([](auto) { return "erfc"; })
      .Case<math::ExpOp>([](auto) { return "exp"; })
      .Case<math::Exp2Op>([](auto) { return "exp2"; })
      .Case<math::ExpM1Op>([](auto) { return "expm1"; })
      .Case<math::LogOp>([](auto) { return "log"; })
      .Case<math::Log10Op>([](auto) { return "log10"; })
      .Case<math::Log1pOp>([](auto) { return "log1p"; })
      .Case<math::Log2Op>([](auto) { return "log2"; })
      .Case<math::PowFOp>([](auto) { return "pow"; })
      .Case<math::SinOp>([](auto) { return "sin"; })
      .Case<math::SinhOp>([](auto) { return "sinh"; })
      .Case<math::TanOp>([](auto) { return "tan"; })
      .Case<math::TanhOp>([](auto) { return "tanh"; })
      .Default([](Operation *) { return StringRef(); });
}

namespace {

struct MathToLibmvecPass
    : public dropout::impl::MathToLibmvecPassBase<MathToLibmvecPass> {
  using MathToLibmvecPassBase::MathToLibmvecPassBase;

  /// Declares the function on one register. Null if the program has something
  /// else of that name.
  LLVM::LLVMFuncOp declare(StringRef name, VectorType type,
                           unsigned numOperands) {
    ModuleOp module = getOperation();
    bool isF32 = type.getElementType().isF32();
    char isa = vectorBits == 128 ? 'b' : vectorBits == 256 ? 'd' : 'e';
    std::string symbol;
    llvm::raw_string_ostream(symbol)
        << "_ZGV" << isa << 'N' << type.getNumElements()
        << std::string(numOperands, 'v') << '_' << name << (isF32 ? "f" : "");
    auto functionType =
        LLVM::LLVMFunctionType::get(type, SmallVector<Type>(numOperands, type));
    if (Operation *known = module.lookupSymbol(symbol)) {
      auto function = dyn_cast<LLVM::LLVMFuncOp>(known);
      return function && function.isExternal() &&
                     function.getFunctionType() == functionType
                 ? function
                 : nullptr;
    }
    auto builder = OpBuilder::atBlockBegin(module.getBody());
    auto function = LLVM::LLVMFuncOp::create(builder, module.getLoc(), symbol,
                                             functionType);
    function.setNoUnwind(true);
    function.setWillReturn(true);
    // As MathToLibm: compiled code looks at neither errno nor FP exceptions.
    auto none = LLVM::ModRefInfo::NoModRef;
    function.setMemoryEffectsAttr(LLVM::MemoryEffectsAttr::get(
        builder.getContext(), none, none, none, none, none, none));
    return function;
  }

  /// \p values are vectors of one dimension, \p function takes a register of
  /// each. A register that they don't fill is filled up with their first
  /// elements: a constant might be one that the function is slow for.
  static Value callByRegister(ImplicitLocOpBuilder &b,
                              LLVM::LLVMFuncOp function, ValueRange values) {
    auto type = cast<VectorType>(values.front().getType());
    auto reg = cast<VectorType>(function.getFunctionType().getReturnType());
    int64_t count = type.getNumElements(), lanes = reg.getNumElements();
    if (count == lanes)
      return LLVM::CallOp::create(b, function, values).getResult();
    Value result;
    for (int64_t first = 0; first < count; first += lanes) {
      SmallVector<int64_t> from;
      for (int64_t i : llvm::seq(first, first + lanes))
        from.push_back(i % count);
      SmallVector<Value> parts;
      for (Value value : values)
        parts.push_back(vector::ShuffleOp::create(b, value, value, from));
      Value part = LLVM::CallOp::create(b, function, parts).getResult();
      if (int64_t rest = std::min(lanes, count - first); rest < lanes)
        part = vector::ExtractStridedSliceOp::create(
            b, part, ArrayRef<int64_t>{0}, rest, ArrayRef<int64_t>{1});
      if (!result && first + lanes >= count)
        return part;
      if (!result)
        result = arith::ConstantOp::create(b, b.getZeroAttr(type));
      result = vector::InsertStridedSliceOp::create(b, part, result, first,
                                                    ArrayRef<int64_t>{1});
    }
    return result;
  }

  /// Replaces one op if there is a function for it.
  void lower(Operation *op) {
    auto type = dyn_cast<VectorType>(op->getResult(0).getType());
    if (!type || type.isScalable() || type.getNumElements() == 1)
      return;
    Type element = type.getElementType();
    if (!element.isF16() && !element.isBF16() && !element.isF32() &&
        !element.isF64())
      return;
    ImplicitLocOpBuilder b(op->getLoc(), op);
    Type compute = element.isF64() ? element : b.getF32Type();
    auto reg = VectorType::get(
        vectorBits / int64_t(compute.getIntOrFloatBitWidth()), compute);
    LLVM::LLVMFuncOp function =
        declare(getFunctionName(op), reg, op->getNumOperands());
    if (!function)
      return;
    VectorType wide = type.clone(compute);
    auto flat = VectorType::get(type.getNumElements(), compute);
    SmallVector<Value> values(op->getOperands());
    for (Value &value : values) {
      if (wide != type)
        value = arith::ExtFOp::create(b, wide, value);
      if (flat != wide)
        value = vector::ShapeCastOp::create(b, flat, value);
    }
    Value result = callByRegister(b, function, values);
    if (flat != wide)
      result = vector::ShapeCastOp::create(b, wide, result);
    if (wide != type)
      result = arith::TruncFOp::create(b, type, result);
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }

  void runOnOperation() override {
    if (vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
      getOperation().emitError(
          "expected option 'vector-bits' to be 128, 256 or 512, "
          "but got ")
          << vectorBits.getValue();
      return signalPassFailure();
    }
    // Code in a module of its own is not for this machine, or can't see what
    // is declared here.
    SmallVector<Operation *> ops;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op != getOperation() && op->hasTrait<OpTrait::SymbolTable>())
        return WalkResult::skip();
      if (!getFunctionName(op).empty())
        ops.push_back(op);
      return WalkResult::advance();
    });
    for (Operation *op : ops)
      lower(op);
  }
};

} // namespace
