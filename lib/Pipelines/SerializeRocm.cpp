//===- SerializeRocm.cpp - Kernels to AMD code objects --------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RocmLinker.h"

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_SERIALIZEROCMPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {
struct SerializeRocmPass
    : public dropout::impl::SerializeRocmPassBase<SerializeRocmPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!binary) {
      gpu::TargetOptions options({}, {}, {}, {},
                                 gpu::CompilationTarget::Assembly);
      if (failed(gpu::transformGpuModulesToBinaries(getOperation(), nullptr,
                                                    options)))
        signalPassFailure();
      return;
    }
    // Upstream looks for the linker at one place in a toolkit, and
    // distributions have it elsewhere: a folder that looks like a toolkit.
    std::string linker = dropout::findRocmLinker();
    if (linker.empty()) {
      getOperation().emitError("expected ld.lld, but found none");
      return signalPassFailure();
    }
    SmallString<128> root, folder;
    std::error_code error =
        llvm::sys::fs::createUniqueDirectory("dropout-rocm", root);
    llvm::scope_exit removeFolder([&] {
      if (!root.empty())
        llvm::sys::fs::remove_directories(root);
    });
    if (!error) {
      folder = root;
      llvm::sys::path::append(folder, "llvm", "bin");
      error = llvm::sys::fs::create_directories(folder);
    }
    if (!error) {
      SmallString<128> absolute(linker);
      llvm::sys::fs::make_absolute(absolute);
      llvm::sys::path::append(folder, "ld.lld");
      error = llvm::sys::fs::create_link(absolute, folder);
    }
    if (error) {
      getOperation().emitError("expected to write a temporary folder, but ")
          << error.message();
      return signalPassFailure();
    }
    gpu::TargetOptions options(root, {}, {}, {},
                               gpu::CompilationTarget::Binary);
    if (failed(gpu::transformGpuModulesToBinaries(getOperation(), nullptr,
                                                  options)))
      signalPassFailure();
  }
};
} // namespace
