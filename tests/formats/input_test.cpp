// Inputs plain, gzip (one member, many, broken), zstd, lz4 and bzip2: the same bytes whatever they are wrapped in.
#include "formats/input.h"

#include <bzlib.h>
#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>
#include <lz4frame.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

namespace {

using formats::DamageLog;
using formats::Input;
using formats::InputError;
using formats::InputOptions;

std::string gzip_member(std::string_view text, bool with_comment = false) {
  std::string out(text.size() + text.size() / 8 + 1024, '\0');
  isal_zstream stream;
  isal_deflate_init(&stream);
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  std::string comment = "HPROF BLOCKSIZE=1048576";
  isal_gzip_header header;
  isal_gzip_header_init(&header);
  if (with_comment) {
    header.comment = comment.data();
    header.comment_buf_len = static_cast<std::uint32_t>(comment.size() + 1);
  }
  EXPECT_EQ(isal_write_gzip_header(&stream, &header), 0u);
  stream.gzip_flag = IGZIP_GZIP_NO_HDR;
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<std::uint32_t>(text.size());
  stream.end_of_stream = 1;
  EXPECT_EQ(isal_deflate(&stream), COMP_OK);
  out.resize(stream.total_out);
  return out;
}

/// As HotSpot writes them: a comment in the first.
std::string gzip_members(std::string_view text, std::size_t member_size) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += member_size)
    out += gzip_member(text.substr(at, member_size), at == 0);
  return out;
}

std::string zstd_frame(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

std::string lz4_frame(std::string_view text) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
  std::string out(LZ4F_compressFrameBound(text.size(), &preferences), '\0');
  out.resize(LZ4F_compressFrame(out.data(), out.size(), text.data(), text.size(), &preferences));
  return out;
}

std::string bzip2_stream(std::string_view text) {
  std::string out(text.size() + text.size() / 50 + 1000, '\0');
  auto size = static_cast<unsigned>(out.size());
  EXPECT_EQ(BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(text.data()),
                                     static_cast<unsigned>(text.size()), 1, 0, 0),
            BZ_OK);
  out.resize(size);
  return out;
}

/// Compressible, but not so much that members become tiny.
std::string some_text(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size; ++at) text[at] = static_cast<char>('a' + random() % 7);
  return text;
}

class InputFile : public testing::Test {
 protected:
  InputFile() : path_(testing::TempDir() + "/heapql-input-" + std::to_string(getpid())) {}
  ~InputFile() override { unlink(path_.c_str()); }

  void write(std::string_view bytes) {
    std::ofstream file(path_, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::string read(unsigned threads = 1) {
    damage_ = DamageLog();
    InputOptions options;
    options.threads = threads;
    const Input input = Input::open(path_, damage_, options);
    compression_ = input.compression();
    return std::string(formats::as_text(input.bytes()));
  }
  std::string failure(const std::string& path, const InputOptions& options = {}) {
    try {
      (void)Input::open(path, damage_, options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }

  std::string path_;
  DamageLog damage_;
  std::string compression_;
};

TEST_F(InputFile, PlainFileIsMapped) {
  write("JAVA PROFILE");
  EXPECT_EQ(read(), "JAVA PROFILE");
  EXPECT_EQ(compression_, "");
  Input input = Input::open(path_, damage_);
  EXPECT_EQ(input.file_size(), 12u);
  EXPECT_EQ(input.path(), path_);
  input.expect_sequential();
  input.release_before(12);
  EXPECT_EQ(formats::as_text(input.bytes()), "JAVA PROFILE");  // released pages come back from the file
  const Input moved = std::move(input);
  EXPECT_EQ(formats::as_text(moved.bytes()), "JAVA PROFILE");
}

TEST_F(InputFile, FailuresNameFileAndCause) {
  EXPECT_NE(failure(path_).find(path_ + ": cannot open: No such file"), std::string::npos) << failure(path_);
  EXPECT_NE(failure(testing::TempDir()).find("is a folder"), std::string::npos);
  write("");
  EXPECT_NE(failure(path_).find("is empty"), std::string::npos);
  write(std::string("\x1f\x8b\x08\0", 4));
  EXPECT_NE(failure(path_).find("nothing readable"), std::string::npos);
}

TEST_F(InputFile, TemporaryFolderThatDoesNotExistIsNamed) {
  write(gzip_member("text"));
  const char* was = std::getenv("TMPDIR");
  const std::string before = was != nullptr ? was : "";
  setenv("TMPDIR", "/nonexistent-folder", 1);
  const std::string message = failure(path_);
  if (was != nullptr) {
    setenv("TMPDIR", before.c_str(), 1);
  } else {
    unsetenv("TMPDIR");
  }
  EXPECT_NE(message.find("/nonexistent-folder"), std::string::npos);
  EXPECT_NE(message.find("TMPDIR"), std::string::npos);
}

TEST_F(InputFile, SpoolLimitIsExact) {
  const std::string text = some_text(100'000);
  write(gzip_member(text));
  InputOptions options;
  options.spool_limit = 50'000;
  const std::string message = failure(path_, options);
  EXPECT_NE(message.find("more than 50000 bytes"), std::string::npos) << message;
  options.spool_limit = 100'000;
  EXPECT_EQ(failure(path_, options), "");
}

TEST_F(InputFile, GzipBombStopsAtTheLimit) {
  const std::string zeros(64u << 20, '\0');
  write(gzip_member(zeros));
  InputOptions options;
  options.spool_limit = 1 << 20;
  for (const unsigned threads : {1u, 4u}) {
    options.threads = threads;
    EXPECT_NE(failure(path_, options).find("the limit"), std::string::npos);
  }
  write(zstd_frame(zeros));
  EXPECT_NE(failure(path_, options).find("the limit"), std::string::npos);
}

TEST_F(InputFile, OneMemberInflates) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{3'000'000}}) {
    const std::string text = some_text(size);
    write(gzip_member(text));
    for (const unsigned threads : {1u, 2u, 5u}) {
      EXPECT_EQ(read(threads), text);
      EXPECT_EQ(damage_.count(), 0u);
      EXPECT_EQ(compression_, "gzip");
    }
  }
}

TEST_F(InputFile, ManyMembersInflateTheSameOnAnyNumberOfThreads) {
  const std::string text = some_text(20'000'000);
  for (const std::size_t member_size : {std::size_t{1} << 20, std::size_t{50'000}, std::size_t{1'500'000}}) {
    write(gzip_members(text, member_size));
    for (const unsigned threads : {1u, 2u, 5u}) {
      EXPECT_TRUE(read(threads) == text) << member_size << " with " << threads;
      EXPECT_EQ(damage_.count(), 0u);
    }
  }
}

// Members stored, not deflated, so that whole gzip files lie inside them byte by byte.
TEST_F(InputFile, MembersInsideMembersAreNotMistakenForTheirOwn) {
  const auto stored = [](const std::string& text) {
    std::string member("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    for (std::size_t at = 0; at < text.size(); at += 60'000) {
      const std::string part = text.substr(at, 60'000);
      const auto size = static_cast<std::uint16_t>(part.size());
      const auto byte = [](unsigned value) { return static_cast<char>(value & 0xff); };
      member += at + part.size() == text.size() ? '\x01' : '\0';
      member += {byte(size), byte(size >> 8u), byte(~unsigned{size}), byte(~unsigned{size} >> 8)};
      member += part;
    }
    std::string whole = gzip_member(text);  // for its checksum and length
    return member + whole.substr(whole.size() - 8);
  };
  std::string text = "innermost";
  for (int depth = 0; depth < 5; ++depth) text = stored(text + some_text(50'000)) + gzip_member("beside");
  std::string file;
  std::string expected;
  for (int member = 0; member < 20; ++member) {
    file += stored(text);
    expected += text;
  }
  write(file);
  for (const unsigned threads : {1u, 3u}) {
    EXPECT_TRUE(read(threads) == expected);
    EXPECT_EQ(damage_.count(), 0u);
  }
}

TEST_F(InputFile, EveryTruncationOfGzipKeepsAPrefix) {
  const std::string text = some_text(800);
  const std::string whole = gzip_members(text, 200);
  for (std::size_t size = 20; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    std::string kept;
    try {
      kept = read(2);
    } catch (const InputError&) {
      EXPECT_LT(size, 200u);  // nothing of the first member came out
      continue;
    }
    EXPECT_EQ(kept, text.substr(0, kept.size()));
    if (kept.size() % 200 != 0) {
      EXPECT_GT(damage_.count(), 0u) << size;
    }
  }
}

TEST_F(InputFile, CorruptMemberCostsOnlyItself) {
  const std::string text = some_text(10'000'000);
  std::string file = gzip_members(text, 1'000'000);
  const std::size_t middle = file.size() / 2;
  file.replace(middle, 2000, std::string(2000, '\xff'));
  write(file);
  for (const unsigned threads : {1u, 4u}) {
    const std::string kept = read(threads);
    EXPECT_GE(damage_.count(), 1u);
    EXPECT_GE(kept.size(), 9'000'000u);
    EXPECT_EQ(kept.substr(0, 4'000'000), text.substr(0, 4'000'000));
    EXPECT_EQ(kept.substr(kept.size() - 4'000'000), text.substr(text.size() - 4'000'000));
  }
}

TEST_F(InputFile, EveryByteFlipOfGzipIsSurvived) {
  const std::string whole = gzip_members(some_text(600), 200);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0xff}) {
      std::string file = whole;
      file[at] = static_cast<char>(file[at] ^ flip);
      write(file);
      try {
        const std::string serial = read(1);
        const std::uint64_t damage = damage_.bytes();
        EXPECT_EQ(read(3), serial) << at;
        EXPECT_EQ(damage_.bytes(), damage);
      } catch (const InputError&) {
        EXPECT_LT(at, 1000u);
      }
    }
  }
}

TEST_F(InputFile, WrongChecksumKeepsTheBytesAndIsDamage) {
  const std::string text = some_text(1000);
  std::string file = gzip_member(text) + gzip_member(text);
  file[gzip_member(text).size() - 8] ^= 1;
  write(file);
  for (const unsigned threads : {1u, 2u}) {
    EXPECT_EQ(read(threads), text + text);
    EXPECT_EQ(damage_.count(), 1u);
  }
}

TEST_F(InputFile, ZerosBehindGzipArePaddingAndOtherBytesDamage) {
  const std::string text = some_text(1000);
  write(gzip_member(text) + std::string(512, '\0'));
  EXPECT_EQ(read(), text);
  EXPECT_EQ(damage_.count(), 0u);
  write(gzip_member(text) + "trailer");
  EXPECT_EQ(read(), text);
  EXPECT_EQ(damage_.bytes(), 7u);
}

TEST_F(InputFile, ZstdInflates) {
  const std::string text = some_text(3'000'000);
  write(zstd_frame(text) + zstd_frame("and another frame"));
  EXPECT_EQ(read(), text + "and another frame");
  EXPECT_EQ(compression_, "zstd");
  EXPECT_EQ(damage_.count(), 0u);
}

TEST_F(InputFile, CutAndCorruptZstdKeepWhatCameBefore) {
  const std::string text = some_text(3'000'000);
  const std::string whole = zstd_frame(text);
  write(whole.substr(0, whole.size() / 2));
  std::string kept = read();
  EXPECT_GT(kept.size(), 1'000'000u);
  EXPECT_EQ(kept, text.substr(0, kept.size()));
  EXPECT_EQ(damage_.count(), 1u);
  std::string corrupt = whole;
  corrupt.replace(corrupt.size() / 2, 100'000, 100'000, '\xff');
  write(corrupt);
  kept = read();
  EXPECT_GT(kept.size(), 1'000'000u);
  EXPECT_GT(damage_.bytes(), 0u);
}

using Compress = std::string (*)(std::string_view);
constexpr std::pair<const char*, Compress> streams[] = {
    {"zstd", zstd_frame}, {"lz4", lz4_frame}, {"bzip2", bzip2_stream}};

TEST_F(InputFile, StreamsBackToBackAreReadThroughToTheirPadding) {
  const std::string text = some_text(3'000'000);
  for (const auto& [name, compress] : streams) {
    write(compress(text) + compress("and another") + std::string(512, '\0'));
    EXPECT_TRUE(read() == text + "and another") << name;
    EXPECT_EQ(compression_, name);
    EXPECT_EQ(damage_.count(), 0u) << name;
    write(compress(text) + "trailer");
    EXPECT_TRUE(read() == text) << name;
    EXPECT_EQ(damage_.count(), 1u) << name;
  }
}

TEST_F(InputFile, EveryTruncationOfAStreamKeepsAPrefix) {
  const std::string text = some_text(900);
  for (const auto& [name, compress] : streams) {
    const std::string whole = compress(text);
    for (std::size_t size = 10; size < whole.size(); ++size) {
      write(whole.substr(0, size));
      try {
        const std::string kept = read();
        EXPECT_EQ(kept, text.substr(0, kept.size()));
        EXPECT_EQ(damage_.count(), 1u) << name << " cut at " << size;
      } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("nothing readable"), std::string::npos) << error.what();
      }
    }
  }
}

TEST_F(InputFile, EveryByteFlipOfAStreamIsSurvived) {
  const std::string text = some_text(300);
  for (const auto& [name, compress] : streams) {
    const std::string whole = compress(text);
    for (std::size_t at = 4; at < whole.size(); ++at) {
      for (const int flip : {0x01, 0xff}) {
        std::string file = whole;
        file[at] = static_cast<char>(file[at] ^ flip);
        write(file);
        try {
          const std::string kept = read();
          EXPECT_TRUE(kept == text || damage_.count() != 0 || compression_.empty() || name == std::string("zstd"))
              << name << " flipped at " << at;  // these zstd frames have no checksum
        } catch (const InputError&) {
        }
      }
    }
  }
}

TEST_F(InputFile, CorruptionInTheMiddleKeepsTheBlocksBefore) {
  const std::string text = some_text(3'000'000);
  for (const auto& [name, compress] : std::span(streams).subspan(1)) {  // zstd: see above; it checks no block
    std::string file = compress(text);
    file.replace(file.size() / 2, 1000, 1000, '\xff');
    write(file);
    const std::string kept = read();
    EXPECT_GT(kept.size(), 1'000'000u) << name;
    EXPECT_TRUE(kept == text.substr(0, kept.size())) << name;
    EXPECT_GT(damage_.bytes(), 0u) << name;
  }
}

TEST_F(InputFile, InflatedLaterIsTheSame) {
  const std::string text = some_text(300'000);
  InputOptions options;
  options.inflate_later = true;
  for (const std::string& file :
       {text, gzip_members(text, 100'000), zstd_frame(text), lz4_frame(text), bzip2_stream(text)}) {
    write(file);
    const Input input = Input::open(path_, damage_, options);
    EXPECT_EQ(formats::as_text(input.head(5000)), text.substr(0, 5000));
    EXPECT_EQ(formats::as_text(input.head(10)), text.substr(0, 10));
    if (const std::unique_ptr<formats::Decoder> decoder = input.decoder()) {
      std::string inflated(text.size() + 1, '\0');
      EXPECT_EQ(decoder->read(std::as_writable_bytes(std::span(inflated))), text.size());
      EXPECT_EQ(decoder->used(), file.size());
      EXPECT_EQ(inflated.substr(0, text.size()), text);
    }
    EXPECT_EQ(formats::as_text(input.bytes()), text);
    EXPECT_EQ(input.decoder(), nullptr);
    EXPECT_EQ(formats::as_text(input.head(10)), text.substr(0, 10));
  }
  write(std::string("\x28\xb5\x2f\xfd", 4));
  const Input input = Input::open(path_, damage_, options);
  EXPECT_THROW((void)input.head(10), InputError);
  EXPECT_THROW((void)input.bytes(), InputError);
}

TEST_F(InputFile, HeadIsReadFromEveryWrapping) {
  const std::string text = some_text(3'000'000);
  for (const std::string& file :
       {text, gzip_member(text), gzip_members(text, 1000), zstd_frame(text), lz4_frame(text), bzip2_stream(text)}) {
    write(file);
    EXPECT_EQ(Input::read_head(path_, 5000), text.substr(0, 5000));
    EXPECT_EQ(Input::read_head(path_, 10), text.substr(0, 10));
  }
  write("short");
  EXPECT_EQ(Input::read_head(path_), "short");
}

TEST_F(InputFile, PipeIsSpooledAndInflated) {
  const std::string text = some_text(300'000);
  for (const std::string& bytes : {text, gzip_members(text, 100'000), zstd_frame(text)}) {
    unlink(path_.c_str());
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    std::thread writer([&] { write(bytes); });
    EXPECT_EQ(read(2), text);
    writer.join();
  }
}

TEST_F(InputFile, StandardInputIsSpooledAndInflated) {
  const std::string text = some_text(30'000);
  const std::string bytes = gzip_member(text);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int saved = dup(STDIN_FILENO);
  dup2(ends[0], STDIN_FILENO);
  close(ends[0]);
  std::thread writer([&] {
    EXPECT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    close(ends[1]);
  });
  {
    const Input input = Input::open("-", damage_);
    EXPECT_EQ(formats::as_text(input.bytes()), text);
    EXPECT_EQ(input.compression(), "gzip");
  }
  writer.join();
  dup2(saved, STDIN_FILENO);
  close(saved);
}

TEST_F(InputFile, ProgressEndsAtTheWhole) {
  write(gzip_members(some_text(5'000'000), 1 << 20));
  InputOptions options;
  options.threads = 2;
  std::uint64_t last = 0;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_LE(last, done);
    EXPECT_LE(done, total);
    last = done;
  };
  const Input input = Input::open(path_, damage_, options);
  EXPECT_EQ(last, input.file_size());
}

}  // namespace
