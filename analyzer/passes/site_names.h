// Which frame of a call path names an allocation site, and names as people read them. Names come demangled from the
// importers; those of C++, Rust, Go, Java and Python look different and all pass through here.
#pragma once

#include <string>
#include <string_view>

#include "queries/allocation_profile.h"

namespace analyzer {

/// The allocator, or what only hands a request on to it: malloc and its kin, operator new, the allocators and node
/// makers of the C++ and Rust standard libraries.
[[nodiscard]] bool is_allocator_function(std::string_view function);

/// The innermost frame from `leaf` on that is no allocator; `leaf` itself when there is no other. O(depth).
[[nodiscard]] queries::SiteId naming_site(const queries::SiteTree& sites, queries::SiteId leaf);

/// Fills AllocationProfile::naming. O(sites).
void name_sites(queries::AllocationProfile& profile);

/// "std::map<int, long>::at(int)" → "std::map<>::at(int)". Operators, `#` in lambdas and names that begin with '<'
/// ("<module>", "<T as Trait>::f") stay whole; so does what does not balance.
[[nodiscard]] std::string shorten_templates(std::string_view function);

/// "a::f(int) const" → "a::f"; operators and lambdas keep theirs.
[[nodiscard]] std::string_view without_parameters(std::string_view function);

/// Where a frame is: "server.cc:12", else the module's file name, else "".
[[nodiscard]] std::string place_of(const queries::SiteFrame& frame);

/// "f(int) (server.cc:12)", with "[inlined]" where it is.
[[nodiscard]] std::string frame_text(const queries::SiteFrame& frame, bool shorten);

}  // namespace analyzer
