//===- LinkedObject.cpp - An object file in the memory of the process -----===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinkedObject.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ExecutionEngine/JITLink/JITLink.h"
#include "llvm/ExecutionEngine/Orc/TargetProcess/RegisterEHFrames.h"
#include "llvm/Support/Process.h"

using namespace mlir::dropout;
using namespace llvm;
using namespace llvm::jitlink;

/// Shared by all objects; safe for any thread. Never destroyed: objects may
/// outlive the end of main().
static JITLinkMemoryManager &getMemoryManager() {
  static auto *manager =
      new InProcessMemoryManager(sys::Process::getPageSizeEstimate());
  return *manager;
}

/// What JITLink asks and reports. The memory manager answers at once, so all of
/// it happens within the call of jitlink::link.
class LinkedObject::Context : public JITLinkContext {
public:
  Context(LinkedObject &object, ArrayRef<std::string> exports, Resolver resolve,
          Error &error)
      : JITLinkContext(nullptr), object(object), exports(exports),
        resolve(resolve), error(error) {}

  JITLinkMemoryManager &getMemoryManager() override {
    return ::getMemoryManager();
  }

  void notifyFailed(Error failure) override {
    error = joinErrors(std::move(error), std::move(failure));
  }

  void lookup(const LookupMap &symbols,
              std::unique_ptr<JITLinkAsyncLookupContinuation> next) override {
    AsyncLookupResult result;
    std::vector<StringRef> missing;
    for (const auto &[name, flags] : symbols) {
      void *address = resolve(*name);
      if (!address && flags == SymbolLookupFlags::RequiredSymbol)
        missing.push_back(*name);
      if (address)
        result[name] = {orc::ExecutorAddr::fromPtr(address),
                        JITSymbolFlags::Exported};
    }
    if (missing.empty())
      return next->run(std::move(result));
    sort(missing);
    next->run(createStringError(
        "expected this process to have what the program calls, but there is "
        "no '" +
        join(missing, "', '") + "'"));
  }

  Error notifyResolved(LinkGraph &graph) override {
    StringMap<orc::ExecutorAddr> defined;
    for (Symbol *symbol : graph.defined_symbols())
      if (symbol->hasName() && symbol->getScope() != Scope::Local)
        defined[*symbol->getName()] = symbol->getAddress();
    for (const std::string &name : exports) {
      auto it = defined.find(name);
      if (it == defined.end())
        return createStringError("the object has no function '" + name + "'");
      object.addresses.push_back(it->second.toPtr<void *>());
    }
    if (Section *section = graph.findSectionByName(".eh_frame"))
      object.frames = SectionRange(*section).getRange();
    return Error::success();
  }

  void notifyFinalized(JITLinkMemoryManager::FinalizedAlloc memory) override {
    object.memory = std::move(memory);
  }

private:
  LinkedObject &object;
  ArrayRef<std::string> exports;
  Resolver resolve;
  Error &error;
};

Expected<std::unique_ptr<LinkedObject>>
LinkedObject::link(MemoryBufferRef buffer, ArrayRef<std::string> exports,
                   Resolver resolve) {
  // JITLink still holds names of the graph when the graph is gone already.
  auto names = std::make_shared<orc::SymbolStringPool>();
  Expected<std::unique_ptr<LinkGraph>> graph =
      createLinkGraphFromObject(buffer, names);
  if (!graph)
    return graph.takeError();
  std::unique_ptr<LinkedObject> object(new LinkedObject());
  Error error = Error::success();
  jitlink::link(std::move(*graph),
                std::make_unique<Context>(*object, exports, resolve, error));
  orc::ExecutorAddrRange frames = std::exchange(object->frames, {});
  if (error)
    return std::move(error);
  // So that debuggers, profilers and what a program calls can unwind.
  if (!frames.empty()) {
    if (Error failure = orc::registerEHFrameSection(
            frames.Start.toPtr<const void *>(), frames.size()))
      return std::move(failure);
    object->frames = frames;
  }
  return object;
}

LinkedObject::~LinkedObject() {
  if (!frames.empty())
    consumeError(orc::deregisterEHFrameSection(
        frames.Start.toPtr<const void *>(), frames.size()));
  if (memory)
    consumeError(getMemoryManager().deallocate(std::move(memory)));
}
