// Makes a queries::Snapshot from a few lines of a test: objects, references, strengths, classes, roots.
//
//   tests::GraphBuilder g;
//   const ObjectId map = g.object("java.util.HashMap", 48);
//   const ObjectId node = g.object("java.util.HashMap$Node", 32);
//   g.reference(map, node);
//   g.root(map);
//   const queries::Snapshot snapshot = g.build();
//
// Ids are handed out in order 0, 1, 2 …; addresses are 0x1000 + 16 × id. Classes have no class object (and so no class
// edges) unless class_object() makes one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "queries/snapshot.h"

namespace tests {

class GraphBuilder {
 public:
  /// The class of this name, made on first use. Names that end in "[]" become arrays ("int[]": primitive).
  queries::ClassId class_named(std::string_view name);
  /// Row of a class, to set super, referent, has_finalizer, loader … Valid until the next class is made.
  queries::ClassRow& class_row(std::string_view name);
  /// A new object.
  queries::ObjectId object(std::string_view class_name = "Node", std::uint64_t shallow_size = 16);
  /// `count` new objects; returns the first of the consecutive ids.
  queries::ObjectId objects(std::uint32_t count, std::string_view class_name = "Node", std::uint64_t shallow_size = 16);
  queries::ObjectId array(std::string_view class_name, std::uint32_t length, std::uint64_t shallow_size);
  /// The object (of class java.lang.Class) that stands for the class: from now on its instances have a class edge.
  queries::ObjectId class_object(std::string_view class_name, std::uint64_t shallow_size = 0);
  /// Declares an existing object to stand for the class.
  void set_class_object(std::string_view class_name, queries::ObjectId object);
  /// Appends a reference; the order per source is the slot order.
  void reference(queries::ObjectId source, queries::ObjectId target,
                 queries::Strength strength = queries::Strength::strong);
  /// A root that holds the object directly. Repeats are kept as rows and merged in `direct_roots`.
  void root(queries::ObjectId object, queries::RootKind kind = queries::RootKind::jni_global,
            queries::Doubt doubt = queries::Doubt::none);
  /// What the importer would know of a string's or array's content.
  void content(queries::ObjectId object, std::uint64_t hash, bool is_string);
  [[nodiscard]] std::uint32_t object_count() const { return static_cast<std::uint32_t>(classes_of_.size()); }

  /// O(objects + references). The builder may be used further and built again.
  [[nodiscard]] queries::Snapshot build() const;

 private:
  struct Edge {
    queries::ObjectId source, target;
    queries::Strength strength;
  };
  std::vector<queries::ClassRow> classes_;
  std::map<std::string, queries::ClassId, std::less<>> class_ids_;
  std::vector<queries::ClassId> classes_of_;
  std::vector<std::uint64_t> sizes_;
  std::vector<std::pair<queries::ObjectId, std::uint32_t>> lengths_;
  std::vector<Edge> edges_;
  std::vector<queries::RootRow> roots_;
  std::vector<queries::EqualContent::Entry> content_;
};

}  // namespace tests
