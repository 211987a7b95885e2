#include "meta/history_finder_internal.h"

#include "base/log.h"

namespace varve {
namespace {

void WarnUnused(const ObjectStore& store, std::string_view path, std::string_view reason) {
  LogWarn(
      "the history '{}' of {} cannot be used: {}; the edits are read instead, which takes longer; "
      "delete it, and it is made anew",
      path, store.Describe(), reason);
}

}  // namespace

Result<const VersionStep*> HistoryFinder::Find(VersionId id, const std::string& parent_sha256) {
  VARVE_ASSIGN(const bool there, Load(id));
  if (!there) {
    return nullptr;
  }
  const uint64_t index = id.value() - range_.first.value();
  const VersionStep& step = current_->steps[index];
  const std::string& parent =
      index == 0 ? current_->parent_sha256 : current_->steps[index - 1].edit_sha256;
  if (parent != parent_sha256) {
    WarnUnused(store_, path_,
               fmt::format("its version {} does not follow the one that is there", id));
    current_.reset();
    return nullptr;
  }
  const auto edit = listing_.edits.find(id);
  if (edit != listing_.edits.end() && edit->second != step.edit_bytes) {
    return Damaged(store_, EditPath(folder_, id),
                   fmt::format("it has {} bytes, and had {} when '{}' was written", edit->second,
                               step.edit_bytes, path_));
  }
  return &step;
}

Result<bool> HistoryFinder::Load(VersionId id) {
  const auto& files = listing_.histories;
  while (next_ < files.size() && range_.last < id) {
    if (files[next_].range.last < id) {
      ++next_;
      continue;
    }
    if (id < files[next_].range.first) {
      return false;
    }
    range_ = files[next_].range;
    ++next_;
    path_ = HistoryPath(folder_, range_);
    current_.reset();
    const auto bytes = store_.Get(path_);
    if (!bytes && bytes.error().kind != ErrorKind::kNotFound) {
      return std::unexpected(bytes.error());
    }
    auto decoded = bytes ? DecodeHistory(*bytes) : Corruption("it was listed and is gone");
    if (decoded && (decoded->steps.front().summary.id != range_.first ||
                    decoded->steps.back().summary.id != range_.last)) {
      decoded = Corruption("it holds versions {} to {}", decoded->steps.front().summary.id,
                           decoded->steps.back().summary.id);
    }
    if (decoded) {
      current_ = *std::move(decoded);
    } else if (decoded.error().kind == ErrorKind::kCorruption) {
      WarnUnused(store_, path_, decoded.error().message);
    } else {
      return DecodeFailed(store_, path_, decoded.error());
    }
  }
  return current_ && range_.first <= id && id <= range_.last;
}

}  // namespace varve
