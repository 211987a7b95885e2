// LocalFile: a file of this machine that goes when its owner does.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace varve {

class LocalFile {
 public:
  // "<folder>/<purpose>-<new id>.<ending>"; nothing is there yet.
  LocalFile(std::string_view folder, std::string_view purpose, std::string_view ending)
      : path_(fmt::format("{}/{}-{}.{}", folder, purpose, RandomIdSource().NewUuid().ToString(),
                          ending)) {}
  ~LocalFile() {
    std::error_code error;
    std::filesystem::remove(path_, error);
  }
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

}  // namespace varve
