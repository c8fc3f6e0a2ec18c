//===- dropout-plugin.cpp - Plugin for stock mlir-opt ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Brings the dialect, the passes and the pipelines to an mlir-opt that was
// built without them:
//
//   mlir-opt --load-dialect-plugin=DropoutPlugin.so
//            --load-pass-plugin=DropoutPlugin.so
//            --pass-pipeline='builtin.module(dropout-to-llvm)' FILE
//
// mlir-opt knows passes of a plugin by --pass-pipeline only, not as flags. It
// must be linked to the same libMLIR.so. dropout-opt needs no plugin, and
// refuses this one: it has the dialect already.
//
//===----------------------------------------------------------------------===//

#include "dropout/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Config/llvm-config.h"

static constexpr const char *pluginName = "MLIRDropout";
static constexpr const char *pluginVersion = DROPOUT_VERSION_STRING;

/// Dialect plugin: the dropout dialect and what its ops need.
extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, pluginName, pluginVersion,
          [](mlir::DialectRegistry *registry) {
            mlir::dropout::registerAllDialects(*registry);
            mlir::dropout::registerAllExtensions(*registry);
          }};
}

/// Pass plugin: all passes and pipelines.
extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, pluginName, pluginVersion,
          []() { mlir::dropout::registerAllPasses(); }};
}
