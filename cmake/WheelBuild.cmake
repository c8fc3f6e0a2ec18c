#===- WheelBuild.cmake - What `pip install` needs before project() --------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===//

string(APPEND DROPOUT_DEBIAN_PACKAGES " python3-dev")

# The compiler that LLVM comes from, unless the user named one. CMake's default
# otherwise: it must know C++17.
if(NOT CMAKE_CXX_COMPILER AND "$ENV{CXX}" STREQUAL "")
  find_program(DROPOUT_WHEEL_CXX NAMES clang++-22 c++ g++ clang++ NO_CACHE)
  if(NOT DROPOUT_WHEEL_CXX)
    message(FATAL_ERROR "No C++ compiler was found. On Debian 12 (its security archive has LLVM 22):\n"
      "    apt-get install ${DROPOUT_DEBIAN_PACKAGES}\n")
  endif()
  find_program(DROPOUT_WHEEL_CC NAMES clang-22 NO_CACHE)
  if(DROPOUT_WHEEL_CXX MATCHES "clang\\+\\+-22$" AND DROPOUT_WHEEL_CC
      AND NOT CMAKE_C_COMPILER AND "$ENV{CC}" STREQUAL "")
    set(CMAKE_CXX_COMPILER "${DROPOUT_WHEEL_CXX}")
    set(CMAKE_C_COMPILER "${DROPOUT_WHEEL_CC}")
  endif()
endif()

# MLIR's headers take up to 1.5 GiB a file: no more compilers at a time than
# the memory has room for.
cmake_host_system_information(RESULT _memory QUERY AVAILABLE_PHYSICAL_MEMORY)
cmake_host_system_information(RESULT _cores QUERY NUMBER_OF_LOGICAL_CORES)
math(EXPR _compilers "${_memory} / 1536")
if(_compilers GREATER _cores)
  set(_compilers ${_cores})
elseif(_compilers LESS 1)
  set(_compilers 1)
endif()
set_property(GLOBAL PROPERTY JOB_POOLS dropout_compile=${_compilers})
set(CMAKE_JOB_POOL_COMPILE dropout_compile)
