//===- DropoutAsm.cpp - Textual form of the ops that draw a mask ----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One grammar for six ops:
//
//   op   ::= value-op x [into dst] tail : type(x) [, type(dst) | mask type]
//          | backward KIND dy [into dst] tail : type(dy) [, type(dst)]
//          | mask [(dynamic sizes)] [into dst] tail : type
//   tail ::= (p = F | p(%p) | threshold(%t)) [mask_dims = [..]] [rounds = N]
//            [resolution = N] [rng(%s, %o) | rng(%state : T) | generator("n")]
//            [training(%f)] [at [offsets] of [sizes]] attr-dict
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::dropout;

using Operands = SmallVector<OpAsmParser::UnresolvedOperand>;

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

/// p as written: an integer (`0`, `1`), a decimal or a hexadecimal bit pattern.
static ParseResult parseProbability(OpAsmParser &parser, FloatAttr &p) {
  Type f64 = parser.getBuilder().getF64Type();
  bool negative = succeeded(parser.parseOptionalMinus());
  const char *start = parser.getCurrentLocation().getPointer();
  if (start[0] == '-') // parseOptionalDecimalInteger would take another sign.
    return parser.emitError(parser.getCurrentLocation(),
                            "expected a number for p, but got '-'");
  bool hexadecimal = start[0] == '0' && start[1] == 'x';
  double value = 0.0;
  if (!hexadecimal) {
    APInt integer;
    OptionalParseResult parsed = parser.parseOptionalDecimalInteger(integer);
    if (parsed.has_value()) {
      if (failed(*parsed))
        return failure();
      APFloat exact(0.0);
      exact.convertFromAPInt(integer, /*IsSigned=*/false,
                             APFloat::rmNearestTiesToEven);
      value = exact.convertToDouble();
    } else if (failed(parser.parseFloat(value))) {
      return failure();
    }
  } else {
    APFloat bits(0.0);
    if (failed(parser.parseFloat(APFloat::IEEEdouble(), bits)))
      return failure();
    value = bits.convertToDouble();
  }
  p = FloatAttr::get(f64, negative ? -value : value);
  return success();
}

/// `[%i, 4, ...]`: no brackets inside, which mark scalable sizes elsewhere.
static ParseResult parseIndexList(OpAsmParser &parser, Operands &dynamic,
                                  DenseI64ArrayAttr &entries) {
  SMLoc loc = parser.getCurrentLocation();
  DenseBoolArrayAttr scalable;
  if (parseDynamicIndexList(parser, dynamic, entries, scalable))
    return failure();
  if (llvm::is_contained(scalable.asArrayRef(), true))
    return parser.emitError(loc, "expected entries that are not scalable, but "
                                 "got one in brackets");
  return success();
}

static ParseResult parseParenthesized(OpAsmParser &parser, Operands &operands) {
  return failure(parser.parseLParen() ||
                 parser.parseOperand(operands.emplace_back()) ||
                 parser.parseRParen());
}

ParseResult mlir::dropout::detail::parseMaskedOp(OpAsmParser &parser,
                                                 OperationState &result) {
  Builder &builder = parser.getBuilder();
  bool isMask = result.name.getStringRef() == MaskOp::getOperationName();
  bool isBackward =
      result.name.getStringRef() == BackwardOp::getOperationName();
  Operands first, dest, p, threshold, seed, offset, state, training;
  Operands positionOffsets, positionSizes;
  Type stateType;

  if (isBackward) {
    StringRef keyword;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&keyword))
      return failure();
    std::optional<Kind> kind = symbolizeKind(keyword);
    if (!kind)
      return parser.emitError(loc, "expected element, channel, alpha or "
                                   "feature_alpha, but got ")
             << keyword;
    result.addAttribute("kind", KindAttr::get(builder.getContext(), *kind));
  }
  if (isMask) {
    if (parser.parseOperandList(first, OpAsmParser::Delimiter::OptionalParen))
      return failure();
  } else if (parser.parseOperand(first.emplace_back())) {
    return failure();
  }
  if (succeeded(parser.parseOptionalKeyword("into")) &&
      parser.parseOperand(dest.emplace_back()))
    return failure();

  if (isMask && succeeded(parser.parseOptionalKeyword("threshold"))) {
    if (parseParenthesized(parser, threshold))
      return failure();
  } else {
    if (parser.parseKeyword("p", " (the probability: 'p = F' or 'p(%p)')"))
      return failure();
    if (succeeded(parser.parseOptionalEqual())) {
      FloatAttr attr;
      if (parseProbability(parser, attr))
        return failure();
      result.addAttribute("p", attr);
    } else if (parseParenthesized(parser, p)) {
      return failure();
    }
  }

  if (succeeded(parser.parseOptionalKeyword("mask_dims"))) {
    if (parser.parseEqual())
      return failure();
    Attribute dims = DenseI64ArrayAttr::parse(parser, {});
    if (!dims)
      return failure();
    result.addAttribute("mask_dims", dims);
  }
  for (StringRef option : {"rounds", "resolution"}) {
    if (failed(parser.parseOptionalKeyword(option)))
      continue;
    int32_t value;
    if (parser.parseEqual() || parser.parseInteger(value))
      return failure();
    result.addAttribute(option, builder.getI32IntegerAttr(value));
  }
  if (succeeded(parser.parseOptionalKeyword("rng"))) {
    OpAsmParser::UnresolvedOperand operand;
    if (parser.parseLParen() || parser.parseOperand(operand))
      return failure();
    if (succeeded(parser.parseOptionalComma())) {
      seed.push_back(operand);
      if (parser.parseOperand(offset.emplace_back()))
        return failure();
    } else {
      state.push_back(operand);
      stateType = MemRefType::get({2}, builder.getI64Type());
      if (succeeded(parser.parseOptionalColon()) && parser.parseType(stateType))
        return failure();
    }
    if (parser.parseRParen())
      return failure();
  } else if (succeeded(parser.parseOptionalKeyword("generator"))) {
    std::string name;
    if (parser.parseLParen() || parser.parseString(&name) ||
        parser.parseRParen())
      return failure();
    result.addAttribute("generator", builder.getStringAttr(name));
  }
  if (succeeded(parser.parseOptionalKeyword("training")) &&
      parseParenthesized(parser, training))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("at"))) {
    DenseI64ArrayAttr offsets, sizes;
    if (parseIndexList(parser, positionOffsets, offsets) ||
        parser.parseKeyword("of") ||
        parseIndexList(parser, positionSizes, sizes))
      return failure();
    result.addAttribute("static_offsets", offsets);
    result.addAttribute("static_sizes", sizes);
  }

  // Everything but the contract's version has a syntax of its own.
  NamedAttrList attributes;
  SMLoc attributesLoc = parser.getCurrentLocation();
  if (parser.parseOptionalAttrDict(attributes))
    return failure();
  for (NamedAttribute attr : attributes) {
    if (attr.getName() != "contract_version" &&
        llvm::is_contained({"p", "mask_dims", "rounds", "resolution",
                            "generator", "static_offsets", "static_sizes",
                            "kind", "operandSegmentSizes"},
                           attr.getName().strref()))
      return parser.emitError(attributesLoc, "expected '")
             << attr.getName().strref()
             << "' before the attribute dictionary, not in it";
    auto integer = dyn_cast<IntegerAttr>(attr.getValue());
    if (attr.getName() == "contract_version" &&
        (!integer || !integer.getType().isSignlessInteger(32)))
      return parser.emitError(attributesLoc, "expected 'contract_version' to "
                                             "be an i32 attribute, but got ")
             << attr.getValue();
    result.addAttribute(attr.getName(), attr.getValue());
  }

  SMLoc typesLoc;
  SmallVector<Type, 2> types;
  if (parser.parseColon())
    return failure();
  typesLoc = parser.getCurrentLocation();
  if (parser.parseTypeList(types))
    return failure();

  // Which types belong to what.
  Type inputType, destType;
  if (isMask) {
    if (types.size() != 1)
      return parser.emitError(typesLoc, "expected one type, but got ")
             << types.size();
    if (dest.empty())
      result.addTypes(types);
    else
      destType = types.front();
  } else {
    size_t most = isBackward && dest.empty() ? 1 : 2;
    if (types.size() > most || (!dest.empty() && types.size() != 2))
      return parser.emitError(typesLoc, "expected ")
             << (dest.empty()
                     ? (isBackward ? "the type of dy"
                                   : "the type of x and, for a mask result, "
                                     "that of the mask")
                     : "the types of the operand and of the destination")
             << ", but got " << types.size() << " type(s)";
    inputType = types.front();
    if (!dest.empty())
      destType = types.back();
    else if (isa<BaseMemRefType>(inputType))
      return parser.emitError(
          typesLoc, "expected 'into' and a destination for a memref operand");
    else
      result.addTypes(types);
  }

  Type f64 = builder.getF64Type(), i64 = builder.getI64Type();
  Type i1 = builder.getI1Type(), index = builder.getIndexType();
  SmallVector<int32_t> segments;
  auto resolve = [&](Operands &operands, Type type) -> ParseResult {
    segments.push_back(operands.size());
    for (auto &operand : operands)
      if (parser.resolveOperand(operand, type, result.operands))
        return failure();
    return success();
  };
  if (resolve(first, isMask ? index : inputType) || resolve(dest, destType) ||
      resolve(p, f64) || (isMask && resolve(threshold, i64)) ||
      resolve(seed, i64) || resolve(offset, i64) || resolve(state, stateType) ||
      resolve(training, i1) || resolve(positionOffsets, index) ||
      resolve(positionSizes, index))
    return failure();
  result.addAttribute("operandSegmentSizes",
                      builder.getDenseI32ArrayAttr(segments));
  return success();
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

void mlir::dropout::detail::printMaskedOp(DropoutOpInterface op,
                                          OpAsmPrinter &printer) {
  auto mask = dyn_cast<MaskOp>(op.getOperation());
  if (auto backward = dyn_cast<BackwardOp>(op.getOperation()))
    printer << ' ' << stringifyKind(backward.getKind());
  if (!mask)
    printer << ' ' << op.getSource();
  else if (!mask.getDynamicSizes().empty())
    printer << '(' << mask.getDynamicSizes() << ')';
  if (Value dest = op.getDest())
    printer << " into " << dest;

  if (FloatAttr p = op.getPAttr()) {
    printer << " p = ";
    printer.printAttributeWithoutType(p);
  } else if (Value p = op.getPValue()) {
    printer << " p(" << p << ')';
  }
  if (Value threshold = op.getThreshold())
    printer << " threshold(" << threshold << ')';
  if (DenseI64ArrayAttr dims = op.getMaskDimsAttr()) {
    printer << " mask_dims = ";
    dims.print(printer);
  }
  if (op.getRounds() != 10)
    printer << " rounds = " << op.getRounds();
  if (op.getResolution() != 16)
    printer << " resolution = " << op.getResolution();
  if (Value seed = op.getSeed())
    printer << " rng(" << seed << ", " << op.getOffset() << ')';
  else if (Value state = op.getState())
    printer << " rng(" << state << " : " << state.getType() << ')';
  if (StringAttr name = op.getGeneratorAttr()) {
    printer << " generator(";
    printer.printString(name.getValue());
    printer << ')';
  }
  if (Value training = op.getTraining())
    printer << " training(" << training << ')';
  if (op.hasPosition()) {
    printer << " at ";
    printDynamicIndexList(printer, op, op.getPositionOffsets(),
                          op.getStaticOffsetsAttr());
    printer << " of ";
    printDynamicIndexList(printer, op, op.getPositionSizes(),
                          op.getStaticSizesAttr());
  }
  SmallVector<StringRef> elided = {"p",
                                   "mask_dims",
                                   "rounds",
                                   "resolution",
                                   "generator",
                                   "static_offsets",
                                   "static_sizes",
                                   "kind",
                                   "operandSegmentSizes"};
  if (op.getContractVersion() == kContractVersion)
    elided.push_back("contract_version");
  printer.printOptionalAttrDict(op->getAttrs(), elided);

  printer << " : ";
  SmallVector<Type, 2> types;
  if (!mask && op.getDest())
    types.push_back(op.getSource().getType());
  if (op.getDest())
    types.push_back(op.getDest().getType());
  llvm::append_range(types, op->getResultTypes());
  llvm::interleaveComma(types, printer);
}
