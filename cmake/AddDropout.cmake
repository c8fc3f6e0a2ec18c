#===- AddDropout.cmake - How a library or tool of the project is built ----===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===//

include_guard()

# Flags that every target of ours shares. No contraction: the constants of alpha
# dropout are defined without it (value contract).
add_library(DropoutFlags INTERFACE)
target_compile_features(DropoutFlags INTERFACE cxx_std_17)
target_compile_options(DropoutFlags INTERFACE -ffp-contract=off -Wall -Wextra
  -Wno-unused-parameter # mlir-tblgen's code has them; LLVM builds without, too
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>
  $<$<BOOL:${DROPOUT_ENABLE_WERROR}>:-Werror>)
# Everything that includes MLIR headers.
add_library(DropoutMLIRFlags INTERFACE)
target_link_libraries(DropoutMLIRFlags INTERFACE DropoutFlags)
target_include_directories(DropoutMLIRFlags SYSTEM INTERFACE
  ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
separate_arguments(_dropout_llvm_definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")
target_compile_definitions(DropoutMLIRFlags INTERFACE ${_dropout_llvm_definitions})

# dropout_add_library(NAME sources... [DEPENDS tablegen-targets...]
#                     [LINK_LIBS libraries...] [MLIR_LIBS static-MLIR-libraries...])
#
# A static library that includes MLIR headers. It links libMLIR.so; with
# DROPOUT_LINK_STATIC it links the archives named in MLIR_LIBS instead.
function(dropout_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS;MLIR_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON
    EXPORT_NAME ${name})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${DROPOUT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${DROPOUT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:DropoutMLIRFlags>)
  if(DROPOUT_LINK_STATIC)
    target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS} ${ARG_MLIR_LIBS})
  else()
    target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS} MLIR LLVM)
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(DROPOUT_ENABLE_PCH)
    dropout_precompile_headers(${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY DROPOUT_LIBRARIES ${name})
endfunction()

# MLIR's headers cost ten seconds a file to parse; one precompiled copy is
# shared by all libraries.
function(dropout_precompile_headers name)
  if(NOT TARGET DropoutPCH)
    file(WRITE ${CMAKE_BINARY_DIR}/DropoutPCH.cpp.in "")
    configure_file(${CMAKE_BINARY_DIR}/DropoutPCH.cpp.in ${CMAKE_BINARY_DIR}/DropoutPCH.cpp COPYONLY)
    add_library(DropoutPCH OBJECT ${CMAKE_BINARY_DIR}/DropoutPCH.cpp)
    set_target_properties(DropoutPCH PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(DropoutPCH PRIVATE DropoutMLIRFlags)
    target_precompile_headers(DropoutPCH PRIVATE ${DROPOUT_SOURCE_DIR}/cmake/PrecompiledHeaders.h)
  endif()
  target_precompile_headers(${name} REUSE_FROM DropoutPCH)
endfunction()

# dropout_add_tool(NAME sources... [LINK_LIBS libraries...])
function(dropout_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE DropoutMLIRFlags ${ARG_LINK_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
