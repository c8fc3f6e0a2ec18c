//===- OutputFile.h - Files written whole or not at all ---------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_EXECUTIONENGINE_OUTPUTFILE_H
#define DROPOUT_EXECUTIONENGINE_OUTPUTFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <optional>
#include <string>

namespace mlir::dropout {

/// A file that appears under its name, complete, when it is committed, and
/// never otherwise: until then it is a temporary file in the same folder, which
/// is removed with this object or by a signal. An existing file is replaced in
/// one step; one that is a device or a pipe is written to at commit.
class OutputFile {
public:
  /// Opens the temporary file, so that a path that can't be written is found
  /// before any work is done.
  static llvm::Expected<std::unique_ptr<OutputFile>>
  create(llvm::StringRef path);

  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  const std::string &getPath() const { return path; }

  /// Where to write; seekable.
  llvm::raw_pwrite_stream &os() { return *stream; }

  /// Flushes, and reports an error of any write so far. Call it on all files
  /// before committing the first.
  llvm::Error finish();

  /// Puts the file in its place. `finish` must have succeeded.
  llvm::Error commit();

private:
  OutputFile() = default;

  std::string path;
  std::string target;
  /// Unused for a device or a pipe, which gets `buffer` at commit.
  std::optional<llvm::sys::fs::TempFile> file;
  llvm::SmallString<0> buffer;
  std::unique_ptr<llvm::raw_pwrite_stream> stream;
};

} // namespace mlir::dropout

#endif // DROPOUT_EXECUTIONENGINE_OUTPUTFILE_H
