// What the store costs: CPU nanoseconds per row of each bulk table and bytes per object of the file, on a made-up heap
// with the shape of a JVM's: 1.75 references per object, most of them to neighbours, some to a few popular objects.
//   store_bench [millions of objects = 10] [folder = /tmp]
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <string>

#include "queries/database.h"
#include "queries/inbound_pages.h"
#include "queries/store.h"

namespace {

using namespace queries;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double user_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + 1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

void report(const char* what, double total, double user, double rows) {
  std::printf("%-28s %8.2f CPU-s  %6.1f ns a row (%.1f of them the kernel's)\n", what, total, total * 1e9 / rows,
              (total - user) * 1e9 / rows);
}

/// Two of four references go near by, one anywhere, one to a popular object.
Snapshot make_heap(std::uint32_t objects, Results& results) {
  std::mt19937_64 random(42);
  Snapshot s;
  s.object_count = objects;
  std::uint64_t address = 0x6'0000'0000;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    ClassRow row;
    row.name = "com.example.Class" + std::to_string(i);
    s.classes.push_back(row);
  }
  for (std::uint32_t i = 0; i < 3000; ++i) s.name_id("field" + std::to_string(i));
  s.references.first.push_back(0);
  const auto zipf = [&](std::uint32_t range) {  // small numbers often
    const std::uint64_t bits = random();
    return static_cast<std::uint32_t>(bits % (1 + (range >> (bits >> 60))));
  };
  for (std::uint32_t i = 0; i < objects; ++i) {
    s.addresses.add(address);
    const std::uint64_t size = 16 + 8 * (random() % 5);
    address += size;
    s.class_of.push_back(ClassId{zipf(5000)});
    s.shallow.push_back(size);
    if (i % 4 == 0) s.length.append(ObjectId{i}, static_cast<std::uint32_t>(random() % 40));
    for (std::uint64_t edges = i % 4 == 3 ? 0 : 1 + random() % 3 + (i % 4 == 0 ? 1 : 0); edges > 0; --edges) {
      const std::uint64_t kind = random() % 4;
      std::uint64_t target = random() % objects;
      if (kind < 2) target = (i + objects - 30 + random() % 60) % objects;
      if (kind == 3) target = std::uint64_t{zipf(10000)} * (objects / 10000);
      s.references.target.push_back(ObjectId{static_cast<std::uint32_t>(target)});
    }
    s.references.first.push_back(static_cast<std::uint32_t>(s.references.target.size()));
    results.dominator.push_back(i % 16 == 0 ? no_object : ObjectId{static_cast<std::uint32_t>(random() % objects)});
    results.retained_size.push_back(i % 3 == 0 ? size + random() % 1000 : size);
    results.reachability.push_back(Reachability::strong);
    results.root_distance.push_back(static_cast<std::uint32_t>(5 + random() % 20));
  }
  s.addresses.freeze();
  s.length.freeze(objects);
  s.references.strength.freeze(s.references.target.size());
  return s;
}

std::uint64_t write_store(const Snapshot& s, const Results& results, const std::string& path, ReferenceRows rows,
                          bool inbound) {
  double start = cpu_seconds();
  double user = user_seconds();
  Store store(path, {rows, inbound});
  std::uint32_t edge = 0;
  for (std::uint32_t i = 0; i < s.object_count; ++i) {
    const std::uint32_t count = s.references.first.count(i);
    for (std::uint32_t slot = 0; slot < count; ++slot, ++edge) {
      const NameId name = i % 4 == 0 ? no_name : NameId{(index(s.class_of[ObjectId{i}]) + slot) % 3000};
      store.reference(ObjectId{i}, slot, s.references.target[edge], name, Strength::strong);
    }
  }
  report(rows == ReferenceRows::rows ? "reference rows" : "references packed", cpu_seconds() - start,
         user_seconds() - user, edge);
  start = cpu_seconds();
  user = user_seconds();
  store.finish(s, results);
  report(inbound ? "objects + inbound, per object" : "objects, per object", cpu_seconds() - start,
         user_seconds() - user, s.object_count);
  const std::uint64_t bytes = std::filesystem::file_size(path);
  std::printf("%-28s %8.1f MB       %6.2f bytes an object\n", "file", static_cast<double>(bytes) / 1e6,
              static_cast<double>(bytes) / s.object_count);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const auto objects = static_cast<std::uint32_t>((argc > 1 ? std::atof(argv[1]) : 10) * 1e6);
  const std::string folder = argc > 2 ? argv[2] : "/tmp";
  Results results;
  const Snapshot s = make_heap(objects, results);
  std::printf("%u objects, %.2f references an object\n", objects,
              static_cast<double>(s.references.target.size()) / objects);

  double start = cpu_seconds();
  double user = user_seconds();
  std::uint64_t bytes = 0;
  if (!write_inbound_chunks(s.references, s.object_count,
                            [&](ObjectId, std::string_view data) { bytes += data.size(); })) {
    return 1;
  }
  report("inbound alone, per reference", cpu_seconds() - start, user_seconds() - user,
         static_cast<double>(s.references.target.size()));
  std::printf("%-28s %8.1f MB       %6.2f bytes a reference\n", "inbound", static_cast<double>(bytes) / 1e6,
              static_cast<double>(bytes) / static_cast<double>(s.references.target.size()));

  const std::string path = folder + "/store_bench." + std::to_string(::getpid()) + ".db";
  write_store(s, results, path, ReferenceRows::packed, true);
  write_store(s, results, path, ReferenceRows::rows, false);
  write_store(s, results, path, ReferenceRows::rows, true);

  start = cpu_seconds();
  {
    const auto database = Database::open(path);
    Statement row = database->prepare("SELECT class, retained_size FROM objects WHERE id = :id");
    row.bind("id", std::int64_t{objects / 2});
    if (!row.step()) return 1;
  }
  std::printf("%-28s %8.2f ms\n", "open and one look-up", (cpu_seconds() - start) * 1e3);
  std::filesystem::remove(path);
  return 0;
}
