// What an expiry does to the files of a log: a plan, worked out from the names alone. Private to
// this folder.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meta/log_files_internal.h"
#include "meta/version_expiry.h"

namespace varve {

struct ExpiryPlan {
  // What all versions that stay are read from; those in `new_bases` need a checkpoint first.
  std::vector<VersionId> bases;
  std::vector<VersionId> new_bases;
  // In the order in which they go: the oldest first, and of one version the checkpoint first. So
  // each step leaves a log in which what is there can be read.
  std::vector<std::string> removals;
  Expiry expiry;
  LogListing after;  // what is there then, sizes of new checkpoints apart
};

// Hides the chosen ones of `versions`, which are all that the listing has, in order; the newest
// stays whether it is chosen or not. The edits of the newest kLaggardVersions are not removed but
// for version 1's, on which others would stand. A history goes when all its versions have.
ExpiryPlan PlanExpiry(std::string_view folder, const LogListing& listing,
                      std::span<const CommittedVersion> versions,
                      const std::vector<VersionId>& chosen);

}  // namespace varve
