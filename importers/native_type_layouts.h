// How the types of a native heap lay out their objects and what that costs in this heap, by debugging information:
// holes and padding times how often there is one, cache lines at the actual addresses, the best order of the members,
// and what the members' values are.
#pragma once

#include "formats/debug_types.h"
#include "importers/native_blocks.h"
#include "importers/native_types.h"
#include "queries/layout_rows.h"
#include "queries/snapshot.h"

namespace importers::native {

/// Of values, at most so many instances of a type are looked at, evenly spread.
inline constexpr std::uint64_t most_values = 1'000'000;

/// Fills Snapshot::layout of the types that objects have, and of those inside of them. After find_debug_types(), whose
/// layouts say where objects are, and after the classes are rows. `is_glibc`: every block is its malloc's, whose
/// rounding is one formula. O(blocks + elements of arrays + members × instances).
void describe_type_layouts(formats::TypeCatalog& catalog, const formats::ProcessImage& image, const Blocks& blocks,
                           const TypedBlocks& types, bool is_glibc, queries::Snapshot& snapshot);

/// Of classes without debugging information: what their methods use of them, where code says how large they are. After
/// the rows of code and of describe_type_layouts(). O(blocks + uses × blocks of such classes).
void describe_used_fields(const formats::ProcessImage& image, const Blocks& blocks, queries::Snapshot& snapshot);

/// Every class and struct that is defined in the modules of a program that does not run, most holes and padding first;
/// at most 200,000. O(debugging information).
void describe_program_layouts(formats::TypeCatalog& catalog, queries::LayoutRows& rows);

}  // namespace importers::native
