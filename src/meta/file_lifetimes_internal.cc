#include "meta/file_lifetimes_internal.h"

#include <utility>

namespace varve {

Status FileLifetimes::Base(const Version& version) {
  std::erase_if(live_, [&](auto& entry) {
    const auto file = version.files.find(entry.first);
    const bool gone = file == version.files.end() || file->second.path != entry.second.data.path;
    if (gone) {
      Close(entry.first, std::move(entry.second));
    }
    return gone;
  });
  for (const auto& [id, file] : version.files) {
    const auto [life, added] = live_.try_emplace(id);
    if (added) {
      life->second.data = Open(file.path, file.size_bytes);
    }
    SetVector(id, life->second.vector,
              file.deletion_vector ? std::string_view(file.deletion_vector->path) : "");
  }
  there_.push_back(version.id);
  return {};
}

Status FileLifetimes::Step(const VersionStep& step, Presence presence) {
  const auto contradiction = [&](const Uuid& file, std::string_view what) {
    return Corruption("version {} {} the file {}: nothing was changed", step.summary.id, what,
                      file.ToString());
  };
  for (const Uuid& id : step.removed) {
    auto life = live_.extract(id);
    if (!life) {
      return contradiction(id, "removes, but the one before it does not have,");
    }
    Close(id, std::move(life.mapped()));
  }
  for (const VersionStep::AddedFile& file : step.added) {
    const auto [life, added] = live_.try_emplace(file.id);
    if (!added) {
      return contradiction(file.id, "adds, but the one before it has already,");
    }
    life->second.data = Open(file.path, file.size_bytes);
    SetVector(file.id, life->second.vector, file.vector_path);
  }
  for (const auto& [id, path] : step.vectors) {
    const auto life = live_.find(id);
    if (life == live_.end()) {
      return contradiction(id, "masks, but the one before it does not have,");
    }
    SetVector(id, life->second.vector, path);
  }
  if (presence == Presence::kThere) {
    there_.push_back(step.summary.id);
  }
  return {};
}

std::vector<FileUse> FileLifetimes::Finish() && {
  for (auto& [id, life] : live_) {
    Close(id, std::move(life));
  }
  return std::move(uses_);
}

void FileLifetimes::Close(FileUse::Kind kind, const Uuid& file, Life life) {
  const uint64_t versions = there_.size() - life.since;
  if (!life.path.empty() && versions > 0) {
    uses_.push_back(
        {kind, file, std::move(life.path), life.size_bytes, there_[life.since], versions});
  }
}

void FileLifetimes::Close(const Uuid& file, FileLife life) {
  Close(FileUse::Kind::kData, file, std::move(life.data));
  Close(FileUse::Kind::kVector, file, std::move(life.vector));
}

void FileLifetimes::SetVector(const Uuid& file, Life& vector, std::string_view path) {
  if (vector.path != path) {
    Close(FileUse::Kind::kVector, file, std::exchange(vector, Open(path, 0)));
  }
}

FileLifetimes::Life FileLifetimes::Open(std::string_view path, uint64_t size_bytes) const {
  return {std::string(path), size_bytes, there_.size()};
}

}  // namespace varve
