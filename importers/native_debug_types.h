// Types of blocks from debugging information: from variables with a static type, objects whose class the vtable tells,
// and locals of live frames, along pointers and containers into the heap.
//
// A block gets the type of the first pointer that leads to its start, when it is as large as such an object has to be,
// or an array of them; what a vtable or the shape of a container says is never overridden, but the members of such
// blocks are followed and named. Each block is entered once.
#pragma once

#include <vector>

#include "formats/debug_types.h"
#include "formats/process_image.h"
#include "formats/unwind.h"
#include "importers/native_types.h"

namespace importers::native {

/// Sets types of evidence `debug_info`, and TypedBlocks::layouts; the names of container parts are made anew. Nothing
/// happens where no module has debugging information. `stacks`: of each thread, or empty.
///
/// O(debugging information), then O(variables, bytes of the blocks). Memory: 8 bytes per block beside the catalog.
void find_debug_types(formats::TypeCatalog& catalog, const formats::ProcessImage& image, const Blocks& blocks,
                      const std::vector<formats::CallStack>& stacks, const NameSource* names, TypedBlocks& typed);

}  // namespace importers::native
