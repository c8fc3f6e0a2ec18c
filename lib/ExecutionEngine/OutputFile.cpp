//===- OutputFile.cpp - Files written whole or not at all -----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/OutputFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Errc.h"
#include "llvm/Support/Path.h"

using namespace mlir::dropout;
using namespace llvm;

/// An error that starts with the path.
static Error makeError(StringRef path, const Twine &message) {
  return createStringError(path + ": " + message);
}

static Error makeError(StringRef path, std::error_code code) {
  return makeError(path, "cannot write the file: " + code.message());
}

Expected<std::unique_ptr<OutputFile>> OutputFile::create(StringRef path) {
  if (path.empty())
    return createStringError("expected the name of a file, but got ''");
  std::unique_ptr<OutputFile> result(new OutputFile());
  result->path = path.str();

  // Through a symbolic link, its target is replaced, not the link.
  SmallString<128> target;
  if (sys::fs::real_path(path, target))
    target = path;
  result->target = target.str().str();

  sys::fs::file_status status;
  std::error_code code = sys::fs::status(target, status);
  if (code && code != errc::no_such_file_or_directory)
    return makeError(path, code);
  if (!code && sys::fs::is_directory(status))
    return makeError(path, "expected a file, but got a directory");
  if (!code) {
    if (std::error_code denied =
            sys::fs::access(target, sys::fs::AccessMode::Write))
      return makeError(path, denied);
    if (!sys::fs::is_regular_file(status)) {
      result->stream = std::make_unique<raw_svector_ostream>(result->buffer);
      return result;
    }
  }

  Expected<sys::fs::TempFile> file =
      sys::fs::TempFile::create(Twine(target) + ".%%%%%%%%.tmp");
  if (!file)
    return makeError(path, errorToErrorCode(file.takeError()));
  result->file.emplace(std::move(*file));
  result->stream = std::make_unique<raw_fd_ostream>(result->file->FD,
                                                    /*shouldClose=*/false);
  return result;
}

OutputFile::~OutputFile() {
  if (!file)
    return;
  // What is written no longer matters; an unread error would be fatal.
  static_cast<raw_fd_ostream &>(*stream).clear_error();
  stream.reset();
  consumeError(file->discard());
}

Error OutputFile::finish() {
  if (!file)
    return Error::success();
  auto &os = static_cast<raw_fd_ostream &>(*stream);
  os.flush();
  if (os.has_error()) {
    std::error_code code = os.error();
    os.clear_error();
    return makeError(path, code);
  }
  return Error::success();
}

Error OutputFile::commit() {
  if (!file) {
    std::error_code code;
    raw_fd_ostream device(target, code, sys::fs::CD_OpenExisting,
                          sys::fs::FA_Write, sys::fs::OF_None);
    if (code)
      return makeError(path, code);
    device << buffer;
    device.flush();
    if (device.has_error()) {
      code = device.error();
      device.clear_error();
      return makeError(path, code);
    }
    return Error::success();
  }
  stream.reset();
  Error error = file->keep(target);
  file.reset();
  if (error)
    return makeError(path, errorToErrorCode(std::move(error)));
  return Error::success();
}
