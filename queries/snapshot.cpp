#include "queries/snapshot.h"

#include <algorithm>
#include <bit>

#include "queries/utf8.h"

namespace queries {

EqualContent EqualContent::of(std::vector<Entry> entries) {
  // Most content occurs once. Two bits per entry find nearly all of that without sorting (hashes may share a bit).
  const std::uint64_t bits = std::bit_ceil(std::max<std::uint64_t>(entries.size(), 64) * 4);
  Bitmap once(bits);
  Bitmap again(bits);
  for (const Entry& entry : entries) {
    if (!once.set_if_clear(entry.hash & (bits - 1))) again.set(entry.hash & (bits - 1));
  }
  std::erase_if(entries, [&](const Entry& entry) { return !again.test(entry.hash & (bits - 1)); });
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    if (a.is_string != b.is_string) return a.is_string;
    return a.object < b.object;
  });
  EqualContent content;
  for (std::size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    for (end = begin + 1; end < entries.size() && entries[end].hash == entries[begin].hash &&
                          entries[end].is_string == entries[begin].is_string;) {
      ++end;
    }
    if (end - begin < 2) continue;
    content.groups.push_back(
        {entries[begin].hash, static_cast<std::uint32_t>(content.objects.size()), entries[begin].is_string});
    for (std::size_t i = begin; i < end; ++i) content.objects.push_back(entries[i].object);
  }
  content.groups.shrink_to_fit();
  content.objects.shrink_to_fit();
  return content;
}

bool Snapshot::is_class_object(ObjectId id) const { return class_of_class_object(id) != no_class; }

ClassId Snapshot::class_of_class_object(ObjectId id) const {
  const auto found = std::lower_bound(class_objects.begin(), class_objects.end(), std::pair{id, ClassId{0}});
  return found != class_objects.end() && found->first == id ? found->second : no_class;
}

ObjectKind Snapshot::kind_of(ObjectId id) const {
  if (is_class_object(id)) return ObjectKind::class_object;
  switch (class_row(id).kind) {
    case ClassKind::instance: return ObjectKind::instance;
    case ClassKind::object_array: return ObjectKind::object_array;
    case ClassKind::primitive_array: return ObjectKind::primitive_array;
    case ClassKind::block: return ObjectKind::block;
  }
  return ObjectKind::instance;
}

void Snapshot::find_uncertain_roots() {
  std::vector<ObjectId> certain;
  for (const RootRow& root : roots) (root.doubt == Doubt::none ? certain : uncertain_roots).push_back(root.object);
  for (std::vector<ObjectId>* list : {&certain, &uncertain_roots}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  std::vector<ObjectId> rest;
  std::set_difference(uncertain_roots.begin(), uncertain_roots.end(), certain.begin(), certain.end(),
                      std::back_inserter(rest));
  uncertain_roots = std::move(rest);
}

NameId Snapshot::name_id(std::string_view text) {
  const auto [found, is_new] =
      name_ids_.try_emplace(std::string(text), NameId{static_cast<std::uint32_t>(names.size())});
  if (is_new) names.emplace_back(text);
  return found->second;
}

void Snapshot::make_texts_valid() {
  std::string scratch;
  const auto make_valid = [&scratch](std::string& text) {
    const std::string_view valid = valid_utf8(text, scratch);
    if (valid.data() != text.data()) text = valid;
  };
  for (std::string* text : {&path, &format, &runtime}) make_valid(*text);
  for (std::string& text : names) make_valid(text);
  for (std::string& text : warnings) make_valid(text);
  for (auto& [key, value] : meta) {
    make_valid(key);
    make_valid(value);
  }
  for (DamageRow& row : damage) make_valid(row.what);
  for (ClassRow& row : classes) {
    make_valid(row.name);
    make_valid(row.source);
  }
  for (ThreadRow& row : threads) {
    make_valid(row.name);
    make_valid(row.state);
  }
  for (FrameRow& row : frames) {
    make_valid(row.function);
    make_valid(row.file);
    make_valid(row.module);
  }
  for (RegionRow& row : regions) {
    make_valid(row.kind);
    make_valid(row.name);
  }
}

bool Snapshot::derives_from(ClassId id, ClassId ancestor) const {
  constexpr std::size_t max_depth = 4096;  // a longer chain is a cycle in a damaged dump
  for (std::size_t depth = 0; id != no_class && depth < max_depth; ++depth) {
    if (id == ancestor) return true;
    id = classes[index(id)].super;
  }
  return false;
}

ClassId Snapshot::find_class(std::string_view name) const {
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i].name == name) return ClassId{static_cast<std::uint32_t>(i)};
  }
  return no_class;
}

}  // namespace queries
