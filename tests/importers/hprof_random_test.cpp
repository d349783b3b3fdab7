// Random dumps against a reader that keeps everything in a map: same objects, classes, references, in address order.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/importers/imported_dump.h"
#include "tests/support/hprof_writer.h"

namespace tests {
namespace {

using importers::ImportOptions;
using Type = HprofWriter::Type;

struct NaiveObject {
  bool is_class = false;
  std::uint64_t class_id = 0;
  std::vector<std::uint64_t> references;  // as in the file, nulls too
};
using NaiveHeap = std::map<std::uint64_t, NaiveObject>;

/// A dump whose objects come in any order, some twice, and what a careful reader knows of it.
class RandomDump {
 public:
  RandomDump(std::uint32_t seed, unsigned id_size, std::uint64_t spacing) : random_(seed), dump(id_size) {
    for (std::uint64_t i = 0; i < 6; ++i) {
      HprofWriter::Class definition;
      definition.name = "C" + std::to_string(i);
      definition.id = 0x900000 + i * 0x100;
      if (i > 0 && pick(2) == 0) definition.super = 0x900000 + pick(i) * 0x100;
      for (std::uint64_t field = pick(4); field > 0; --field) {
        definition.fields.push_back({"f" + std::to_string(field), pick(2) == 0 ? Type::object : Type::int16});
      }
      fields_[definition.id] = definition.fields;
      supers_[definition.id] = definition.super;
      dump.define_class(definition);
      NaiveObject& object = heap[definition.id];
      object.is_class = true;
      object.references = {definition.super, 0};
    }
    const std::uint64_t count = 20 + pick(300);
    std::uint64_t next = 0x100000;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (pick(8) == 0) dump.begin_segment();
      if (pick(20) == 0) next = 0x100000 + pick(4000) * spacing;  // a new run, up or down, maybe over an old one
      add(next);
      if (pick(30) != 0) next += spacing * (1 + pick(3));  // else the same address again
    }
    dump.root_jni_global(0x900000);
  }

 private:
  std::mt19937 random_;
  std::map<std::uint64_t, std::vector<HprofWriter::Field>> fields_;
  std::map<std::uint64_t, std::uint64_t> supers_;

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  std::uint64_t any_id() {
    if (pick(4) == 0) return 0;
    if (pick(6) == 0) return 0x900000 + pick(6) * 0x100;
    return 0x100000 + pick(4000) * 8;
  }
  void add(std::uint64_t at) {
    NaiveObject object;
    object.class_id = 0x900000 + pick(6) * 0x100;
    const auto kind = pick(4);
    if (kind == 0) {
      object.class_id = 0;
      dump.primitive_array(Type::int8, std::vector<std::uint64_t>(pick(9), 7), at);
    } else if (kind == 1) {
      object.class_id = 0xA00000;  // an array class that is not in the dump
      for (std::uint64_t left = pick(5); left > 0; --left) object.references.push_back(any_id());
      dump.object_array(object.class_id, object.references, at);
    } else {
      std::vector<std::uint64_t> values;
      for (std::uint64_t of = object.class_id; of != 0; of = supers_[of]) {
        for (const HprofWriter::Field& field : fields_[of]) {
          values.push_back(field.type == Type::object ? any_id() : pick(65'536));
          if (field.type == Type::object) object.references.push_back(values.back());
        }
      }
      dump.instance(object.class_id, values, at);
    }
    heap.try_emplace(at, std::move(object));  // the first record of an id stands
  }

 public:
  HprofWriter dump;
  NaiveHeap heap;
};

void compare(RandomDump& random) {
  const ImportedDump in(random.dump.bytes(), ImportOptions{.values = importers::ValueRows::all});
  ASSERT_EQ(in.problem(), "");
  ASSERT_EQ(in.snapshot.object_count, random.heap.size());
  ASSERT_EQ(in.snapshot.damage_count, 0u);
  std::uint32_t next = 0;
  std::uint64_t dangling = 0;
  for (const auto& [address, object] : random.heap) {
    const queries::ObjectId id{next++};
    ASSERT_EQ(in.snapshot.addresses.address_of(id), address);
    ASSERT_EQ(in.snapshot.is_class_object(id), object.is_class);
    if (object.class_id >= 0x900000 && object.class_id < 0xA00000) {
      const queries::ClassId expected = in.snapshot.class_of_class_object(in.id(object.class_id));
      ASSERT_EQ(in.snapshot.class_of[id], expected);
    }
    std::vector<std::uint64_t> wanted;
    for (const std::uint64_t raw : object.references) {
      if (random.heap.contains(raw)) wanted.push_back(raw);
      if (raw != 0 && !random.heap.contains(raw)) ++dangling;
    }
    std::vector<std::uint64_t> found;
    for (std::uint32_t edge = in.snapshot.references.first[index(id)];
         edge < in.snapshot.references.first[index(id) + 1]; ++edge) {
      found.push_back(in.snapshot.addresses.address_of(in.snapshot.references.target[edge]));
    }
    ASSERT_EQ(found, wanted) << std::hex << address;
    std::vector<std::uint64_t> on_demand;
    for (const queries::FieldValue& field : in.details->fields(id)) {
      if (field.target != queries::no_object) on_demand.push_back(in.snapshot.addresses.address_of(field.target));
    }
    ASSERT_EQ(on_demand, wanted) << std::hex << address;
  }
  EXPECT_EQ(in.snapshot.dangling_references, dangling);
}

class HprofRandom : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(IdSize, HprofRandom, testing::Values(4u, 8u), testing::PrintToStringParamName());

TEST_P(HprofRandom, DumpsEqualTheNaiveReader) {
  for (std::uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    RandomDump random(seed, GetParam(), 8);
    compare(random);
    if (HasFatalFailure()) return;
  }
}

TEST_P(HprofRandom, DumpsOfUnalignedIdsEqualTheNaiveReader) {
  for (std::uint32_t seed = 1000; seed < 1050; ++seed) {
    SCOPED_TRACE(seed);
    RandomDump random(seed, GetParam(), 3);
    compare(random);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace tests
