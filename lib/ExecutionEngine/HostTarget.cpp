//===- HostTarget.cpp - What code is generated for ------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostTarget.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include <cstring>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

using namespace mlir;
using namespace mlir::dropout;

//===----------------------------------------------------------------------===//
// The target
//===----------------------------------------------------------------------===//

const HostTarget &mlir::dropout::getHostTarget() {
  static const HostTarget target = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    HostTarget result;
    result.triple = llvm::sys::getProcessTriple();
    result.cpu = llvm::sys::getHostCPUName().str();
    llvm::SubtargetFeatures features;
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      features.AddFeature(feature.first(), feature.second);
    // The order of a hash table; made one of the names.
    std::vector<std::string> sorted = features.getFeatures();
    llvm::sort(sorted);
    result.features = llvm::join(sorted, ",");
    return result;
  }();
  return target;
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
mlir::dropout::createHostTargetMachine(unsigned optimizationLevel) {
  const HostTarget &target = getHostTarget();
  llvm::orc::JITTargetMachineBuilder builder{llvm::Triple(target.triple)};
  builder.setCPU(target.cpu);
  builder.getFeatures() = llvm::SubtargetFeatures(target.features);
  builder.setRelocationModel(llvm::Reloc::PIC_);
  builder.setCodeModel(llvm::CodeModel::Small);
  builder.setCodeGenOptLevel(
      *llvm::CodeGenOpt::getLevel(int(optimizationLevel)));
  builder.getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return builder.createTargetMachine();
}

//===----------------------------------------------------------------------===//
// Vector functions
//===----------------------------------------------------------------------===//

void *mlir::dropout::findVectorFunction(StringRef name) {
#if defined(__x86_64__) && defined(__GLIBC__)
  if (!name.starts_with("_ZGV"))
    return nullptr;
  static llvm::sys::DynamicLibrary library =
      llvm::sys::DynamicLibrary::getPermanentLibrary("libmvec.so.1");
  return library.getAddressOfSymbol(name.str().c_str());
#else
  return nullptr;
#endif
}

bool mlir::dropout::hasVectorMath() {
  // Of those that came last, with glibc 2.35; widths came together.
  static const bool result = findVectorFunction("_ZGVbN4v_erff");
  return result;
}

//===----------------------------------------------------------------------===//
// The build
//===----------------------------------------------------------------------===//

namespace {
/// Looks for the shared object, or executable, that an address is in.
struct ImageSearch {
  uintptr_t address;
  std::string identity;
};
} // namespace

/// The hash that the linker has put into the image, if it has.
static StringRef findBuildId(const dl_phdr_info &image) {
  for (unsigned i = 0; i < image.dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = image.dlpi_phdr[i];
    if (header.p_type != PT_NOTE)
      continue;
    size_t align = header.p_align == 8 ? 8 : 4;
    StringRef rest(
        reinterpret_cast<const char *>(image.dlpi_addr + header.p_vaddr),
        header.p_memsz);
    while (rest.size() >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) note;
      std::memcpy(&note, rest.data(), sizeof(note));
      size_t descriptor = sizeof(note) + llvm::alignTo(note.n_namesz, align);
      if (note.n_type == NT_GNU_BUILD_ID &&
          rest.substr(sizeof(note), note.n_namesz) == StringRef("GNU", 4))
        return rest.substr(descriptor, note.n_descsz);
      rest = rest.drop_front(std::min(
          rest.size(), descriptor + llvm::alignTo(note.n_descsz, align)));
    }
  }
  return StringRef();
}

static int visitImage(dl_phdr_info *image, size_t, void *data) {
  auto &search = *static_cast<ImageSearch *>(data);
  bool found = false;
  for (unsigned i = 0; i < image->dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = image->dlpi_phdr[i];
    if (header.p_type == PT_LOAD &&
        search.address - (image->dlpi_addr + header.p_vaddr) < header.p_memsz)
      found = true;
  }
  if (!found)
    return 0;
  if (StringRef id = findBuildId(*image); !id.empty()) {
    search.identity = "id " + llvm::toHex(id);
    return 1;
  }
  // Else this very file, as it is now: whoever writes to it or puts another one
  // in its place changes the time of change, which nobody can set.
  const char *path = *image->dlpi_name ? image->dlpi_name : "/proc/self/exe";
  struct stat status;
  if (::stat(path, &status) == 0)
    llvm::raw_string_ostream(search.identity)
        << "file " << status.st_dev << ' ' << status.st_ino << ' '
        << status.st_size << ' ' << status.st_ctim.tv_sec << ' '
        << status.st_ctim.tv_nsec;
  return 1;
}

/// What tells the image that holds a function from all others; "" if nothing
/// does.
static std::string getImageIdentity(const void *address) {
  ImageSearch search = {reinterpret_cast<uintptr_t>(address), ""};
  dl_iterate_phdr(visitImage, &search);
  return search.identity;
}

const std::string &mlir::dropout::getBuildIdentity() {
  static const std::string identity = [] {
    std::string result =
        "mlir-dropout " DROPOUT_VERSION_STRING ", LLVM " LLVM_VERSION_STRING;
    // Ours, MLIR's and LLVM's; one and the same where all is linked statically.
    const void *const addresses[] = {
        reinterpret_cast<const void *>(&getBuildIdentity),
        reinterpret_cast<const void *>(&registerPassManagerCLOptions),
        reinterpret_cast<const void *>(&llvm::sys::getHostCPUName)};
    for (const void *address : addresses) {
      std::string image = getImageIdentity(address);
      if (image.empty())
        return std::string();
      result += ", " + image;
    }
    return result;
  }();
  return identity;
}
