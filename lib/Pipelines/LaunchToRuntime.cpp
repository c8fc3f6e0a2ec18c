//===- LaunchToRuntime.cpp - Launches to calls of the runtime -------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_LAUNCHTORUNTIMEPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

/// What bufferization-lower-deallocations calls its function.
static constexpr llvm::StringLiteral kDeallocationHelper = "dealloc_helper";

namespace {

/// The globals of one gpu.binary, and of its kernels that are launched.
struct BinaryGlobals {
  LLVM::GlobalOp module;
  llvm::MapVector<StringAttr, LLVM::GlobalOp> kernels;
};

struct LaunchToRuntimePass
    : public dropout::impl::LaunchToRuntimePassBase<LaunchToRuntimePass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    binaries.clear(); // A pass runs on more than one module.
    keepListsOnHost();
    if (failed(verifyHostCode()))
      return signalPassFailure();
    pointer = LLVM::LLVMPointerType::get(&getContext());
    i64 = IntegerType::get(&getContext(), 64);
    for (auto binary : llvm::to_vector(module.getOps<gpu::BinaryOp>()))
      if (failed(emitModule(binary)))
        return signalPassFailure();
    SmallVector<gpu::LaunchFuncOp> launches;
    module.walk([&](gpu::LaunchFuncOp launch) { launches.push_back(launch); });
    for (gpu::LaunchFuncOp launch : launches)
      if (failed(convertLaunch(launch)))
        return signalPassFailure();
    if (unload && failed(emitUnload()))
      return signalPassFailure();
    for (auto binary : llvm::to_vector(module.getOps<gpu::BinaryOp>()))
      binary.erase();
    module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  }

private:
  /// The lists of arrays that upstream's deallocation compares at run time are
  /// the one memory that is the host's: it goes to the stack.
  void keepListsOnHost() {
    SmallVector<memref::AllocOp> lists;
    getOperation().walk([&](memref::AllocOp alloc) {
      SmallVector<Operation *> users(alloc->getUsers());
      bool isList = alloc.getType().hasStaticShape(), isRead = false;
      for (size_t next = 0; next < users.size(); ++next) {
        if (isa<memref::CastOp>(users[next])) {
          llvm::append_range(users, users[next]->getUsers());
          continue;
        }
        auto call = dyn_cast<func::CallOp>(users[next]);
        isRead |= call && call.getCallee() == kDeallocationHelper;
        isList &= isa<memref::StoreOp, memref::LoadOp, memref::DeallocOp>(
                      users[next]) ||
                  (call && call.getCallee() == kDeallocationHelper);
      }
      if (isList && isRead)
        lists.push_back(alloc);
    });
    for (memref::AllocOp alloc : lists) {
      for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
        if (isa<memref::DeallocOp>(user))
          user->erase();
      OpBuilder builder(alloc);
      auto function = alloc->getParentOfType<func::FuncOp>();
      builder.setInsertionPointToStart(&function.getBody().front());
      Value onStack =
          memref::AllocaOp::create(builder, alloc.getLoc(), alloc.getType());
      alloc.replaceAllUsesWith(onStack);
      alloc.erase();
    }
  }

  /// What `memref` is a view of.
  static Operation *getOrigin(Value memref) {
    Operation *op = memref.getDefiningOp();
    while (isa_and_present<ViewLikeOpInterface>(op)) {
      memref = cast<ViewLikeOpInterface>(op).getViewSource();
      op = memref.getDefiningOp();
    }
    return op;
  }

  /// Elements of arrays are out of the host's reach, and memory of the host's
  /// out of that of kernels.
  LogicalResult verifyHostCode() {
    bool isValid = true;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.getSymName() == kDeallocationHelper && function.isPrivate())
        continue;
      function.walk([&](Operation *op) {
        isValid &=
            succeeded(verifyAccesses(op)) && succeeded(verifyOrigins(op));
      });
    }
    return success(isValid);
  }

  static LogicalResult verifyAccesses(Operation *op) {
    auto effects = dyn_cast<MemoryEffectOpInterface>(op);
    if (!effects || isa<gpu::LaunchFuncOp>(op))
      return success();
    for (Value operand : op->getOperands()) {
      if (!isa<BaseMemRefType>(operand.getType()) ||
          isa_and_present<memref::AllocaOp>(getOrigin(operand)))
        continue;
      bool reads =
          effects.getEffectOnValue<MemoryEffects::Read>(operand).has_value();
      if (reads || effects.getEffectOnValue<MemoryEffects::Write>(operand))
        return op->emitError("expected device memory to be ")
               << (reads ? "read" : "written") << " in kernels only, but got '"
               << op->getName() << "' on the host";
    }
    return success();
  }

  /// Constants and the stack are the host's: nobody else may get their address.
  static LogicalResult verifyOrigins(Operation *op) {
    if (isa<ViewLikeOpInterface, memref::DimOp, memref::DeallocOp,
            memref::ExtractAlignedPointerAsIndexOp, memref::LoadOp,
            memref::StoreOp>(op))
      return success();
    auto call = dyn_cast<func::CallOp>(op);
    for (Value operand : op->getOperands()) {
      if (!isa<BaseMemRefType>(operand.getType()))
        continue;
      Operation *origin = getOrigin(operand);
      bool isList = isa_and_present<memref::AllocaOp>(origin) && call &&
                    call.getCallee() == kDeallocationHelper;
      if (isList ||
          !isa_and_present<memref::AllocaOp, memref::GetGlobalOp>(origin))
        continue;
      InFlightDiagnostic diagnostic =
          op->emitError("expected device memory, but got memory of the host's");
      diagnostic.attachNote(origin->getLoc()) << "it comes from here";
      return diagnostic;
    }
    return success();
  }

  Value constant(ImplicitLocOpBuilder &b, int64_t value) {
    return LLVM::ConstantOp::create(b, i64, value);
  }

  /// A global whose value is the struct of `fields`, which `emit` makes.
  LLVM::GlobalOp emitStruct(ImplicitLocOpBuilder &b, const Twine &name,
                            ArrayRef<Type> fields,
                            llvm::function_ref<SmallVector<Value>()> emit) {
    auto type = LLVM::LLVMStructType::getLiteral(&getContext(), fields);
    auto global = LLVM::GlobalOp::create(
        b, type, /*isConstant=*/false, LLVM::Linkage::Internal,
        getFreeName(name), Attribute(), /*alignment=*/8);
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&global.getInitializerRegion());
    Value value = LLVM::UndefOp::create(b, type);
    for (auto [index, field] : llvm::enumerate(emit()))
      value = LLVM::InsertValueOp::create(b, value, field, index);
    LLVM::ReturnOp::create(b, value);
    return global;
  }

  /// `name`, or with more behind it if the program has a symbol of that name.
  std::string getFreeName(const Twine &name) {
    std::string result = name.str();
    while (getOperation().lookupSymbol(result))
      result += '_';
    return result;
  }

  LLVM::GlobalOp emitBytes(ImplicitLocOpBuilder &b, const Twine &name,
                           StringRef bytes) {
    std::string text = bytes.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(IntegerType::get(&getContext(), 8),
                                         text.size());
    return LLVM::GlobalOp::create(b, type, /*isConstant=*/true,
                                  LLVM::Linkage::Internal, getFreeName(name),
                                  b.getStringAttr(text), /*alignment=*/16);
  }

  LogicalResult emitModule(gpu::BinaryOp binary) {
    if (binary.getObjects().empty())
      return binary.emitError("expected a binary with an object");
    auto object = cast<gpu::ObjectAttr>(binary.getObjects()[0]);
    StringRef data = object.getObject().getValue();
    // Text may end in NUL already.
    while (object.getFormat() == gpu::CompilationTarget::Assembly &&
           data.ends_with(StringRef("\0", 1)))
      data = data.drop_back();
    ImplicitLocOpBuilder b(binary.getLoc(), binary);
    StringRef name = binary.getSymName();
    LLVM::GlobalOp image = emitBytes(b, name + "_image", data);
    bool isText = object.getFormat() == gpu::CompilationTarget::Assembly;
    binaries[binary.getSymNameAttr()].module =
        emitStruct(b, name + "_module", {pointer, i64, pointer}, [&] {
          return SmallVector<Value>{LLVM::AddressOfOp::create(b, image),
                                    constant(b, data.size() + isText),
                                    LLVM::ZeroOp::create(b, pointer)};
        });
    return success();
  }

  LLVM::GlobalOp getKernel(ImplicitLocOpBuilder &b, StringAttr module,
                           StringAttr kernel) {
    BinaryGlobals &globals = binaries[module];
    LLVM::GlobalOp &global = globals.kernels[kernel];
    if (global)
      return global;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(globals.module);
    std::string prefix = (module.getValue() + "_" + kernel.getValue()).str();
    LLVM::GlobalOp name = emitBytes(b, prefix + "_name", kernel.getValue());
    return global = emitStruct(
               b, prefix + "_kernel", {pointer, pointer, pointer}, [&] {
                 return SmallVector<Value>{
                     LLVM::AddressOfOp::create(b, globals.module),
                     LLVM::AddressOfOp::create(b, name),
                     LLVM::ZeroOp::create(b, pointer)};
               });
  }

  /// The kernel's parameters: a descriptor is its fields.
  void appendParameters(ImplicitLocOpBuilder &b, Value value,
                        SmallVectorImpl<Value> &parameters) {
    if (auto type = dyn_cast<LLVM::LLVMStructType>(value.getType())) {
      for (size_t field = 0; field < type.getBody().size(); ++field)
        appendParameters(b, LLVM::ExtractValueOp::create(b, value, field),
                         parameters);
      return;
    }
    if (auto type = dyn_cast<LLVM::LLVMArrayType>(value.getType())) {
      for (size_t element = 0; element < type.getNumElements(); ++element)
        appendParameters(b, LLVM::ExtractValueOp::create(b, value, element),
                         parameters);
      return;
    }
    parameters.push_back(value);
  }

  LogicalResult convertLaunch(gpu::LaunchFuncOp launch) {
    StringAttr module = launch.getKernelModuleName();
    if (!binaries.count(module))
      return launch.emitError("expected a gpu.binary of the name @")
             << module.getValue();
    if (launch.getAsyncToken() || !launch.getAsyncDependencies().empty() ||
        launch.hasClusterSize() || launch.getDynamicSharedMemorySize())
      return launch.emitError("expected a launch without tokens, clusters and "
                              "shared memory");
    ImplicitLocOpBuilder b(launch.getLoc(), launch);
    LLVMTypeConverter converter(&getContext());
    auto toLLVM = [&](Value value) -> Value {
      Type type = converter.convertType(value.getType());
      if (type == value.getType())
        return value;
      return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
    };
    SmallVector<Value> parameters;
    for (Value operand : launch.getKernelOperands()) {
      if (!converter.convertType(operand.getType()))
        return launch.emitError("expected arguments of kernels to be numbers "
                                "and memrefs, but got ")
               << operand.getType();
      appendParameters(b, toLLVM(operand), parameters);
    }

    // Memory for the parameters, once per call of the function.
    auto function = launch->getParentOfType<func::FuncOp>();
    SmallVector<Value> slots;
    Value addresses;
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&function.getBody().front());
      Value one = constant(b, 1);
      for (Value parameter : parameters)
        slots.push_back(
            LLVM::AllocaOp::create(b, pointer, parameter.getType(), one));
      addresses = LLVM::AllocaOp::create(
          b, pointer, pointer,
          constant(b, std::max<int64_t>(1, parameters.size())));
    }
    for (auto [index, parameter, slot] : llvm::enumerate(parameters, slots)) {
      LLVM::StoreOp::create(b, parameter, slot);
      Value address = LLVM::GEPOp::create(
          b, pointer, pointer, addresses,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)});
      LLVM::StoreOp::create(b, slot, address);
    }
    Value kernel = LLVM::AddressOfOp::create(
        b, getKernel(b, module, launch.getKernelName()));
    SmallVector<Value> arguments = {kernel};
    gpu::KernelDim3 grid = launch.getGridSizeOperandValues();
    gpu::KernelDim3 block = launch.getBlockSizeOperandValues();
    for (Value size : {grid.x, grid.y, grid.z, block.x, block.y, block.z}) {
      // Sizes of gpu.launch_func are index, or i32 or i64.
      if (size.getType().isInteger(32))
        size = arith::ExtUIOp::create(b, i64, size);
      arguments.push_back(toLLVM(size));
    }
    arguments.push_back(addresses);
    if (failed(call(b, "dropoutCudaLaunch", arguments)))
      return failure();
    launch.erase();
    return success();
  }

  LogicalResult call(ImplicitLocOpBuilder &b, StringRef name,
                     ValueRange arguments) {
    OpBuilder declarations = OpBuilder::atBlockBegin(getOperation().getBody());
    FailureOr<LLVM::LLVMFuncOp> callee = LLVM::lookupOrCreateFn(
        declarations, getOperation(), name,
        llvm::to_vector(arguments.getTypes()), b.getI32Type());
    if (failed(callee))
      return failure();
    LLVM::CallOp::create(b, *callee, arguments);
    return success();
  }

  /// void dropout_unload(void): the kernels of a module stand one after the
  /// other in no array, so each is handed over alone.
  LogicalResult emitUnload() {
    if (Operation *other = getOperation().lookupSymbol("dropout_unload"))
      return other->emitError("expected the name @dropout_unload to be free");
    ImplicitLocOpBuilder b(getOperation().getLoc(), &getContext());
    b.setInsertionPointToEnd(getOperation().getBody());
    auto function = LLVM::LLVMFuncOp::create(
        b, "dropout_unload",
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                    {}));
    b.setInsertionPointToStart(function.addEntryBlock(b));
    for (auto &[name, globals] : binaries) {
      Value module = LLVM::AddressOfOp::create(b, globals.module);
      for (auto &[kernelName, kernel] : globals.kernels)
        if (failed(call(b, "dropoutCudaUnload",
                        {module, LLVM::AddressOfOp::create(b, kernel),
                         constant(b, 1)})))
          return failure();
    }
    LLVM::ReturnOp::create(b, ValueRange());
    return success();
  }

  Type pointer, i64;
  llvm::MapVector<StringAttr, BinaryGlobals> binaries;
};
} // namespace
