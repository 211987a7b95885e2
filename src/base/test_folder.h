// A new folder for one test, removed with all it holds at the end. For tests only.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "base/check.h"

namespace varve {

class TestFolder {
 public:
  TestFolder() : path_((std::filesystem::temp_directory_path() / "varve-test-XXXXXX").string()) {
    VARVE_CHECK(::mkdtemp(path_.data()) != nullptr, "mkdtemp {}", path_);
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace varve
