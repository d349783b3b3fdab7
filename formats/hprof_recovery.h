// Where does a damaged HPROF file make sense again? Heuristics that Reader and HeapReader ask after they lost their
// way: a place is plausible when several records in a row parse from it. All searches are linear in the bytes they
// pass.
#pragma once

#include <cstdint>

#include "formats/bytes.h"

namespace formats::hprof {

/// Body size that a record tag prescribes, for telling records from noise. Tags not known here are not plausible.
[[nodiscard]] bool is_known_tag(std::uint8_t tag);

/// Class dumps are the only records whose size takes more than O(1) to find. Hostile bytes can make every offset look
/// like a long class dump, so the searches spend a budget of class dump entries; at 0 they refuse class dumps.
struct ScanBudget {
  std::uint64_t entries = 0;
  [[nodiscard]] static ScanBudget for_bytes(std::uint64_t bytes) { return {8 * bytes + 1'000'000}; }
};

/// Size of the heap sub-record at `at` (tag included) if it parses, fits and its ids look like ids; 0 otherwise.
[[nodiscard]] std::uint64_t plausible_sub_record(Bytes body, std::size_t at, unsigned id_size, ScanBudget& budget);

/// true when several sub-records in a row are plausible from `at`, or all of them up to the end of the body.
[[nodiscard]] bool sub_records_from(Bytes body, std::size_t at, unsigned id_size, ScanBudget& budget);

/// First offset >= `from` with sub_records_from(); body.size() if there is none.
[[nodiscard]] std::size_t find_sub_records(Bytes body, std::size_t from, unsigned id_size, ScanBudget& budget);

/// true when several top-level records in a row are plausible from `at`, or all of them up to the end of the file.
[[nodiscard]] bool records_from(Bytes file, std::uint64_t at, unsigned id_size, ScanBudget& budget);

/// First offset >= `from` with records_from(); file.size() if there is none.
[[nodiscard]] std::uint64_t find_records(Bytes file, std::uint64_t from, unsigned id_size, ScanBudget& budget);

/// Walks the class dump at `at`: its size (tag included), 0 if it does not parse or fit. Adds the entries walked.
[[nodiscard]] std::uint64_t measure_class_dump(Bytes body, std::size_t at, unsigned id_size, std::uint64_t& entries);

/// Size of a sub-record of fixed shape (roots, heap dump info, …), tag included; 0 for every other tag.
[[nodiscard]] unsigned fixed_sub_record_size(std::uint8_t tag, unsigned id_size);

}  // namespace formats::hprof
