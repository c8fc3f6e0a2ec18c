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
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
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
    result.hasFeature = llvm::sys::getHostCPUFeatures();
    llvm::SubtargetFeatures features;
    for (const auto &feature : result.hasFeature)
      features.AddFeature(feature.first(), feature.second);
    // The order of a hash table; made one of the names.
    std::vector<std::string> sorted = features.getFeatures();
    llvm::sort(sorted);
    result.features = llvm::join(sorted, ",");
    return result;
  }();
  return target;
}

/// The architectures that the vector code is made for and tested on.
static bool isSupported(const llvm::Triple &triple) {
  return (triple.getArch() == llvm::Triple::x86_64 ||
          triple.getArch() == llvm::Triple::aarch64) &&
         triple.isArch64Bit() && triple.isOSBinFormatELF() && !triple.isX32() &&
         triple.getEnvironment() != llvm::Triple::GNUILP32;
}

/// The triple of the options, with LLVM's code generator for it at hand.
static llvm::Expected<llvm::Triple> getTriple(StringRef text) {
  const HostTarget &host = getHostTarget();
  if (text.empty())
    return llvm::Triple(host.triple);
  llvm::Triple triple(llvm::Triple::normalize(text));
  if (!isSupported(triple))
    return llvm::createStringError(
        "expected a triple of x86_64 or aarch64 with ELF objects, but got '" +
        text + "'");
  if (triple.getArch() != llvm::Triple(host.triple).getArch()) {
    [[maybe_unused]] static const bool once = [] {
      llvm::InitializeAllTargetInfos();
      llvm::InitializeAllTargets();
      llvm::InitializeAllTargetMCs();
      llvm::InitializeAllAsmPrinters();
      return true;
    }();
  }
  return triple;
}

/// Errors for names that LLVM does not know, which it would only warn of, and
/// for what it cannot generate 64-bit code for, which would end the process.
static llvm::Error checkSubtarget(const llvm::Triple &triple, StringRef cpu,
                                  StringRef features) {
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return llvm::createStringError("expected a triple that LLVM is built for, "
                                   "but got '" +
                                   triple.str() + "'");
  auto create = [&](StringRef cpu, StringRef features) {
    return std::unique_ptr<llvm::MCSubtargetInfo>(
        target->createMCSubtargetInfo(triple, cpu, features));
  };
  std::unique_ptr<llvm::MCSubtargetInfo> known = create("", "");
  if (!cpu.empty() && !known->isCPUStringValid(cpu))
    return llvm::createStringError("expected a CPU of " + triple.getArchName() +
                                   " that LLVM knows, but got '" + cpu + "'");
  if (!features.empty())
    for (StringRef feature : llvm::split(features, ',')) {
      if (!feature.starts_with("+") && !feature.starts_with("-"))
        return llvm::createStringError(
            "expected features as +name or -name, but got '" + feature + "'");
      StringRef name = feature.drop_front();
      if (llvm::none_of(known->getAllProcessorFeatures(),
                        [&](const llvm::SubtargetFeatureKV &other) {
                          return name == other.Key;
                        }))
        return llvm::createStringError(
            "expected a feature of " + triple.getArchName() +
            " that LLVM knows, but got '" + name + "'");
    }
  StringRef needed = triple.isX86()
                         ? "+64bit,+64bit-mode,-32bit-mode,-16bit-mode,+x87,"
                           "+sse2,-soft-float"
                         : "+fp-armv8,+neon";
  if (!create(cpu, features)->checkFeatures(needed))
    return llvm::createStringError(
        "expected a CPU and features with " + needed + ", but got '" +
        (cpu.empty() ? "" : cpu.str() + "' and '") + features + "'");
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
mlir::dropout::createTargetMachine(const CompileOptions &options) {
  const HostTarget &host = getHostTarget();
  llvm::Expected<llvm::Triple> triple = getTriple(options.triple);
  if (!triple)
    return triple.takeError();
  std::string cpu = options.cpu, features = options.features;
  bool isHost = triple->getArch() == llvm::Triple(host.triple).getArch();
  if (!cpu.empty() || !features.empty() || !isHost)
    if (llvm::Error error = checkSubtarget(*triple, cpu, features))
      return error;
  if (cpu.empty() && isHost) {
    cpu = host.cpu;
    features =
        features.empty() ? host.features : host.features + "," + features;
  } else if (cpu.empty()) {
    cpu = "generic";
  }
  llvm::orc::JITTargetMachineBuilder builder{*triple};
  builder.setCPU(cpu);
  builder.getFeatures() = llvm::SubtargetFeatures(features);
  builder.setRelocationModel(llvm::Reloc::PIC_);
  builder.setCodeModel(llvm::CodeModel::Small);
  builder.setCodeGenOptLevel(
      *llvm::CodeGenOpt::getLevel(int(options.optimizationLevel)));
  builder.getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return builder.createTargetMachine();
}

llvm::Error mlir::dropout::checkRunsHere(const llvm::TargetMachine &machine) {
  const HostTarget &host = getHostTarget();
  const llvm::Triple &triple = machine.getTargetTriple();
  llvm::Triple hostTriple(host.triple);
  if (triple.getArch() != hostTriple.getArch() ||
      triple.getOS() != hostTriple.getOS())
    return llvm::createStringError("expected a program for " + host.triple +
                                   " to run here, but got one for " +
                                   triple.str());
  std::vector<std::string> missing;
  for (const llvm::SubtargetFeatureKV &feature :
       machine.getMCSubtargetInfo()->getEnabledProcessorFeatures()) {
    // What is no feature of a CPU but a choice of the compiler is not listed.
    auto found = host.hasFeature.find(feature.Key);
    if (found != host.hasFeature.end() && !found->second)
      missing.push_back(feature.Key);
  }
  if (missing.empty())
    return llvm::Error::success();
  return llvm::createStringError(
      "expected a program for features that this machine has, but it lacks " +
      llvm::join(missing, ", "));
}

llvm::Error mlir::dropout::checkRunsHere(const CompileOptions &options) {
  if (options.cpu.empty() && options.features.empty() && options.triple.empty())
    return llvm::Error::success();
  auto machine = createTargetMachine(options);
  return machine ? checkRunsHere(**machine) : machine.takeError();
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
