// The collections of the Java class library as they look in a heap: which class is one, which of its fields says how
// many elements it has, and which objects are only its inside. Field names: OpenJDK 6 … 25 and Android's libcore.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queries/object_details.h"

namespace analyzer {

class ObjectWords;

enum class CollectionKind : std::uint8_t { list, map, weak_map, set, queue };

struct Collection {
  queries::ObjectId object = queries::no_object;
  CollectionKind kind = CollectionKind::list;
  std::optional<std::uint64_t> size;      ///< elements or entries
  std::optional<std::uint64_t> capacity;  ///< slots of its array; nothing for linked ones
  struct Elements {
    std::string most_common;  ///< class of most sampled elements (values of a map), "" = none seen
    std::uint64_t sampled = 0;
    std::uint64_t matching = 0;   ///< sampled ones of `most_common`
    std::uint64_t listeners = 0;  ///< sampled ones whose class, or a super of it, is named as a listener or is a lambda
    std::string keys;             ///< most common class of a map's keys
  };
  Elements elements;
};

/// HashMap$Node, Object[], ArrayList …: a step through one says nothing about whose field it is.
[[nodiscard]] bool is_collection_internal(std::string_view class_name);
/// The object as a collection, with a look at up to 64 elements; nothing when its class is not one we know.
[[nodiscard]] std::optional<Collection> look_at_collection(const ObjectWords& words,
                                                           const queries::ObjectDetails& details, queries::ObjectId id);
/// An array of references as a list of its own (listener arrays): size = non-null elements.
[[nodiscard]] Collection look_at_array(const ObjectWords& words, const queries::ObjectDetails& details,
                                       queries::ObjectId id);

}  // namespace analyzer
