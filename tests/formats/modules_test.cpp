// Modules of a synthetic core whose program is this test program itself: found by build-id, refused when another build,
// missing; what is filled in from the file, and that nothing but regular files is opened.
#include "formats/modules.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "formats/link_map.h"
#include "tests/support/own_process.h"

namespace tests {
namespace {

using formats::Module;
using formats::Modules;
using formats::ModuleSearch;
using formats::ModuleStatus;

constexpr std::uint64_t bias = 0x5555'0000'0000;

class ModulesOfACore : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = formats::ModuleFile::open("", path);
    ASSERT_TRUE(opened) << path;
    ASSERT_FALSE(opened->build_id().empty()) << "linked without --build-id";
    own.emplace(std::move(*opened));
    first_page = std::string(formats::as_text(own->bytes())).substr(0, 4096);
    folder = std::filesystem::path(testing::TempDir()) / ("modules_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// The core as it is in `writer`, read.
  formats::ProcessImage& read() {
    bytes = writer.segment(0x7ffd'0000'0000, std::string(4096, 's')).bytes();
    core = formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, damage);
    image.emplace(core);
    return *image;
  }
  Module only(const ModuleSearch& search = {}) {
    Modules found(read(), search);
    EXPECT_EQ(found.all().size(), 1u);
    if (found.all().empty()) return {};
    const Module& module = found.all()[0];
    Module copy;  // without the file, which stays with its owner
    copy.path = module.path;
    copy.base = module.base;
    copy.end = module.end;
    copy.build_id = module.build_id;
    copy.is_program = module.is_program;
    copy.status = module.status;
    copy.found_path = module.found_path;
    copy.debug_path = module.debug_path;
    copy.cost = module.cost;
    return copy;
  }
  /// The first page with one bit of the build-id changed.
  [[nodiscard]] std::string other_build() const {
    std::string page = first_page;
    for (const auto& notes : own->headers().notes) {
      for (std::uint64_t at = notes.file_offset;
           at + 16 + 20 <= std::min<std::uint64_t>(page.size(), notes.file_offset + notes.size); at += 4) {
        if (page.compare(at, 16, std::string("\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0", 16)) == 0) page[at + 20] ^= 1;
      }
    }
    EXPECT_NE(page, first_page);
    return page;
  }
  /// Whether what the image has of the file's bytes is what the file has.
  void expect_filled() {
    const auto& loads = own->headers().loads;
    for (const formats::LoadHeader& load : loads) {
      if (load.writable || load.file_size == 0) continue;
      std::string there(static_cast<std::size_t>(load.file_size), '\0');
      ASSERT_TRUE(image->read(bias + load.address, there.data(), there.size())) << std::hex << load.address;
      const auto in_file = own->bytes().subspan(static_cast<std::size_t>(load.file_offset), there.size());
      EXPECT_TRUE(formats::as_text(in_file) == there);
    }
  }

  std::string path = own_path();
  std::optional<formats::ModuleFile> own;
  std::string first_page;
  std::filesystem::path folder;
  CoreWriter writer;
  std::string bytes;
  formats::DamageLog damage;
  formats::elf::Core core;
  std::optional<formats::ProcessImage> image;
};

TEST_F(ModulesOfACore, FileOfTheSameBuildIsFound) {
  add_module(writer, own->headers(), bias, path, first_page);
  const Module module = only();
  EXPECT_EQ(module.status, ModuleStatus::found);
  EXPECT_EQ(module.path, path);
  EXPECT_EQ(module.found_path, path);
  EXPECT_EQ(module.base, bias + own->headers().low());
  EXPECT_EQ(module.build_id, own->build_id());
  EXPECT_TRUE(module.is_program);
  EXPECT_EQ(module.cost, "");
}

TEST_F(ModulesOfACore, FileOfAnotherBuildIsNotUsed) {
  add_module(writer, own->headers(), bias, path, other_build());
  const Module module = only();
  EXPECT_EQ(module.status, ModuleStatus::mismatch);
  EXPECT_EQ(module.found_path, path);
  EXPECT_NE(module.cost.find("another build"), std::string::npos) << module.cost;
  const Modules modules(*image, {});
  EXPECT_EQ(fill(*image, modules), 0u);
}

TEST_F(ModulesOfACore, MissingFileIsSaidWithItsCost) {
  add_module(writer, own->headers(), bias, folder / "nothing", first_page);
  const Module module = only();
  EXPECT_EQ(module.status, ModuleStatus::missing);
  EXPECT_EQ(module.build_id, own->build_id());
  EXPECT_NE(module.cost.find("type names of its classes"), std::string::npos) << module.cost;
}

TEST_F(ModulesOfACore, FileFoundByExeSysrootNameOrBuildId) {
  const std::string recorded = "/app/bin/program";
  add_module(writer, own->headers(), bias, recorded, first_page);
  ModuleSearch search;
  search.exe = path;
  EXPECT_EQ(only(search).found_path, path);

  std::filesystem::create_directories(folder / "root/app/bin");
  std::filesystem::create_directories(folder / "root/real");
  std::filesystem::copy_file(path, folder / "root/real/program");
  std::filesystem::create_symlink("/real/program", folder / "root/app/bin/program");  // absolute: below the sysroot
  writer = CoreWriter();
  add_module(writer, own->headers(), bias, recorded, first_page);
  search = {};
  search.sysroot = folder / "root";
  EXPECT_EQ(only(search).status, ModuleStatus::found);

  writer = CoreWriter();
  add_module(writer, own->headers(), bias, recorded, first_page);
  search = {};
  search.solib_paths = {folder / "empty", folder / "root/real"};
  EXPECT_EQ(only(search).found_path, folder / "root/real/program");

  const std::string id = own->build_id();
  std::filesystem::create_directories(folder / "debug/.build-id" / id.substr(0, 2));
  std::filesystem::create_symlink(path, folder / "debug/.build-id" / id.substr(0, 2) / id.substr(2));
  writer = CoreWriter();
  add_module(writer, own->headers(), bias, recorded, first_page);
  search = {};
  search.debug_directories = {folder / "debug"};
  EXPECT_EQ(only(search).status, ModuleStatus::found);
}

TEST_F(ModulesOfACore, SymbolicLinksCannotLeaveTheSysroot) {
  std::filesystem::create_directories(folder / "root/app");
  std::filesystem::create_symlink(path, folder / "root/app/program");
  add_module(writer, own->headers(), bias, "/app/program", first_page);
  ModuleSearch search;
  search.sysroot = folder / "root";
  EXPECT_EQ(only(search).status, ModuleStatus::missing);
}

TEST_F(ModulesOfACore, WithoutABuildIdTheFileIsNotVerified) {
  add_module(writer, own->headers(), bias, path, "");
  const Module module = only();
  EXPECT_EQ(module.status, ModuleStatus::unverified);
  EXPECT_EQ(module.build_id, "");
  EXPECT_NE(module.cost, "");
}

TEST_F(ModulesOfACore, WithoutABuildIdAFileOfAnotherShapeIsRefused) {
  formats::ModuleHeaders other = own->headers();
  for (std::size_t i = 1; i < other.loads.size(); ++i) other.loads[i].address += 0x100000;
  add_module(writer, other, bias, path, "");
  EXPECT_EQ(only().status, ModuleStatus::mismatch);
}

TEST_F(ModulesOfACore, ReadOnlyBytesAreFilledAndOthersStay) {
  std::string page = first_page;
  page[page.size() - 1] ^= 1;  // what the core has counts, whatever the file says
  add_module(writer, own->headers(), bias, path, page);
  read();
  const Modules modules(*image, {});
  ASSERT_EQ(modules.all().size(), 1u);
  ASSERT_EQ(modules.all()[0].status, ModuleStatus::found);
  std::uint64_t absent = 0;
  for (const auto& range : image->ranges()) absent += range.present() ? 0 : range.size();
  const std::uint64_t filled = fill(*image, modules);
  EXPECT_GT(filled, 0u);
  EXPECT_LE(filled, absent);
  EXPECT_EQ(image->load<char>(bias + own->headers().low() + page.size() - 1), page.back());
  for (const formats::LoadHeader& load : own->headers().loads) {
    if (load.writable) {
      EXPECT_EQ(image->load<char>(bias + load.address), '\x5a');
    }
  }
  EXPECT_EQ(fill(*image, modules), 0u) << "a second time there is nothing left to fill";
}

TEST_F(ModulesOfACore, EveryReadOnlyByteOfTheFileIsThere) {
  add_module(writer, own->headers(), bias, path, first_page);
  read();
  const Modules modules(*image, {});
  ASSERT_GT(fill(*image, modules), 0u);
  expect_filled();
}

TEST_F(ModulesOfACore, AbsentBytesOfAWritableMappingStayAbsent) {
  add_module(writer, own->headers(), bias, path, first_page);
  read();
  for (auto& segment : core.segments) {
    if (segment.writable) segment.bytes = {};
  }
  image.emplace(core);
  const Modules modules(*image, {});
  ASSERT_GT(fill(*image, modules), 0u);
  for (const formats::LoadHeader& load : own->headers().loads) {
    if (load.writable) {
      EXPECT_FALSE(image->load<char>(bias + load.address));
    }
  }
}

TEST_F(ModulesOfACore, OnlyRegularFilesAreOpened) {
  const std::string fifo = folder / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::filesystem::create_symlink(fifo, folder / "link");
  for (const std::string& untrusted :
       {fifo, std::string(folder / "link"), folder.string(), std::string("/dev/zero"), std::string("/dev/stdin"),
        std::string("/proc/kcore"), std::string("/proc/self/maps"), std::string("/etc/passwd"), std::string("relative"),
        std::string("/"), std::string("a\0b", 3)}) {
    writer = CoreWriter();
    add_module(writer, own->headers(), bias, untrusted, first_page);
    EXPECT_EQ(only().status, ModuleStatus::missing) << untrusted;
  }
  EXPECT_FALSE(formats::RegularFile::open("", fifo));
  EXPECT_FALSE(formats::RegularFile::open("", "/proc/self/maps"));
  EXPECT_TRUE(formats::RegularFile::open("", path));
}

TEST_F(ModulesOfACore, DeletedFileIsNotTakenByItsPath) {
  add_module(writer, own->headers(), bias, path + " (deleted)", "");
  EXPECT_EQ(only().status, ModuleStatus::missing);
}

TEST_F(ModulesOfACore, AMappedFileThatIsNoCodeIsNoModule) {
  writer.file(0x7000'0000, 0x7000'2000, 0, path).partly_dumped(0x7000'0000, first_page, 0x2000, "r");
  EXPECT_EQ(Modules(read(), {}).all().size(), 0u);
}

TEST_F(ModulesOfACore, WithoutAFileNoteModulesAreFoundByTheirHeaders) {
  add_module(writer, own->headers(), bias, path, first_page);
  read();
  core.files.clear();  // as gcore of old
  ASSERT_TRUE(formats::complete_files(core));
  image.emplace(core);
  ModuleSearch search;
  search.exe = path;
  const Modules modules(*image, search);
  ASSERT_EQ(modules.all().size(), 1u);
  EXPECT_EQ(modules.all()[0].status, ModuleStatus::found);
  EXPECT_TRUE(modules.all()[0].is_program);
  ASSERT_GT(fill(*image, modules), 0u);
  expect_filled();
}

TEST_F(ModulesOfACore, FlippedBytesOfTheHeadersAreSurvived) {
  for (std::size_t at = 0; at < std::min<std::size_t>(first_page.size(), 1200); at += at < 64 ? 1 : 13) {
    std::string page = first_page;
    page[at] = static_cast<char>(~page[at]);
    writer = CoreWriter();
    add_module(writer, own->headers(), bias, path, page);
    read();
    const Modules modules(*image, {});
    for (const Module& module : modules.all()) {
      EXPECT_LT(module.base, module.end);
      if (at < 64 + 56) continue;  // the ELF header, PT_PHDR: some of it says nothing about the build
      EXPECT_EQ(module.cost.empty(), module.status == ModuleStatus::found);
    }
    fill(*image, modules);
  }
}

}  // namespace
}  // namespace tests
