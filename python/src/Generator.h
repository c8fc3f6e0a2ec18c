//===- Generator.h - Where seeds and offsets come from ----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PYTHON_GENERATOR_H
#define DROPOUT_PYTHON_GENERATOR_H

#include <cstdint>
#include <nanobind/nanobind.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dropout::python {

/// A seed and the next offset: numbers of its own, or a view on a generator of
/// the runtime (the default one, or one that programs call by its name). Safe
/// for any thread, with or without the interpreter's lock.
class Generator {
public:
  Generator(uint64_t seed, uint64_t offset) : seed(seed), offset(offset) {}

  /// The runtime's generator of that name; its default one for none.
  static Generator ofRuntime(std::optional<std::string> name);

  Generator(Generator &&other) noexcept
      : isRuntimes(other.isRuntimes), name(std::move(other.name)),
        seed(other.seed), offset(other.offset),
        scopes(std::move(other.scopes)) {}

  std::pair<uint64_t, uint64_t> get() const;
  void set(uint64_t seed, uint64_t offset);
  /// Sets one of the two in one step.
  void setSeed(uint64_t seed);
  void setOffset(uint64_t offset);

  /// Sets both until the scope ends, which puts back what it found. Scopes end
  /// in the reverse order of their beginning.
  uint64_t beginScope(uint64_t seed, uint64_t offset);
  void endScope(uint64_t scope);

  /// Takes an offset as dropoutReserve does: reads the runtime's mode if
  /// \p training is `DROPOUT_RUNTIME_MODE`, and moves on by one in training.
  /// Returns a status.
  int32_t reserve(int32_t mode, int8_t *training, uint64_t *seed,
                  uint64_t *offset);

  bool isOfRuntime() const { return isRuntimes; }
  /// Of the runtime's generator; null for its default one.
  const char *getName() const { return name ? name->c_str() : nullptr; }

private:
  bool isRuntimes = false;
  std::optional<std::string> name;
  uint64_t seed, offset;
  struct Scope {
    uint64_t handle, seed, offset;
  };
  std::vector<Scope> scopes;
};

/// A seed or an offset from Python: an int in [0, 2^64). \p name for messages.
uint64_t toUInt64(nanobind::handle value, const char *name);

/// What is true or false: a bool of Python or NumPy, a number. \p name for
/// messages.
bool toBool(nanobind::handle value, const char *name);

/// Adds the class and the functions on state to the module.
void addState(nanobind::module_ &module);

} // namespace dropout::python

#endif // DROPOUT_PYTHON_GENERATOR_H
