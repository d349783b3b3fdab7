// What the machine code of a native process's modules says about its heap: rows of code_reference,
// allocation_site_code, field_access, stride_loop, code_function and instruction. Text is kept once in CodeRows::texts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queries/ids.h"
#include "queries/text_table.h"

namespace queries {

/// An instruction that has the address of data.
struct CodeReferenceRow {
  std::uint32_t module = 0;  ///< index into texts, like function, symbol and access
  std::uint32_t function = 0;
  std::uint32_t symbol = 0;  ///< 0 = none; else the name that a root of that place has
  std::uint32_t access = 0;
  std::uint64_t address = 0;  ///< of the instruction, in the process
  std::uint64_t target = 0;
};

struct AllocationSiteCodeRow {
  std::uint32_t module = 0;
  std::uint32_t function = 0;
  std::uint32_t allocator = 0;
  std::uint64_t address = 0;      ///< of the call
  std::uint64_t size = 0;         ///< asked for, 0 = not a constant
  ClassId class_id = no_class;    ///< what the code builds there, where the heap has such blocks
  std::uint64_t block_count = 0;  ///< blocks of the class whose size agrees
};

struct FieldAccessRow {
  std::uint32_t class_name = 0;
  std::uint32_t access = 0;
  std::uint32_t function = 0;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;  ///< 0 = not known
  std::uint32_t loop_depth = 0;
  std::uint32_t count = 0;  ///< instructions
  bool is_locked = false;
};

struct StrideLoopRow {
  std::uint32_t module = 0;
  std::uint32_t function = 0;
  std::uint64_t address = 0;
  std::uint32_t stride = 0;
  std::uint32_t touched_bytes = 0;  ///< of an element; says nothing where is_vectorised
  std::uint32_t depth = 0;
  bool writes = false;
  bool is_vectorised = false;
};

/// A function whose instructions are kept: one that other rows, or the stacks, mention.
struct CodeFunctionRow {
  std::uint32_t module = 0;
  std::uint32_t function = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

struct InstructionRow {
  std::uint64_t address = 0;
  std::string bytes;  ///< hexadecimal digits
  std::string text;
};

struct CodeRows : TextTable {
  std::vector<CodeReferenceRow> references;  ///< by symbol, function, address
  std::vector<AllocationSiteCodeRow> sites;  ///< by address
  std::vector<FieldAccessRow> fields;        ///< by class, offset, size, access, function
  std::vector<StrideLoopRow> loops;          ///< by address
  std::vector<CodeFunctionRow> functions;    ///< by address, none overlaps another
  std::vector<InstructionRow> instructions;  ///< of these functions, by address
};

}  // namespace queries
