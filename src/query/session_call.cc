// CALL: what is done by hand that housekeeping does by itself.
#include "base/units.h"
#include "query/session_internal.h"

namespace varve {
namespace {

// The rule by hand: what is not said is as the table's options say.
Result<RetentionRule> RuleOf(const ExpireSnapshotsStatement& statement,
                             const TableOptions& options) {
  RetentionRule rule = RetentionRule::Of(options);
  if (statement.retain_last) {
    rule.num_retained_min = *statement.retain_last;
    rule.num_retained_max.reset();
  }
  if (statement.older_than) {
    auto older_than = ParseDuration(*statement.older_than);
    if (!older_than) {
      return std::unexpected(older_than.error().WithContext("older_than"));
    }
    rule.time_retained = *older_than;
  } else if (statement.retain_last) {
    rule.num_retained_max = statement.retain_last;  // whatever their age
  }
  return rule;
}

}  // namespace

Result<QueryResult> SessionImpl::Run(const GcStatement& statement) {
  std::chrono::milliseconds grace = kGcGrace;
  if (statement.grace) {
    auto given = ParseDuration(*statement.grace);
    if (!given) {
      return std::unexpected(given.error().WithContext("grace"));
    }
    grace = *given;
  }
  const GcMode mode = statement.mode == CallMode::kDryRun ? GcMode::kPlan : GcMode::kDelete;
  VARVE_ASSIGN(const GcReport report, database().housekeeping().Collect(mode, grace));
  std::vector<std::string> paths;
  std::vector<uint64_t> bytes;
  std::vector<std::string> reasons;
  std::vector<std::string> outcomes;
  for (const GcFile& file : report.files) {
    paths.push_back(file.path);
    bytes.push_back(file.bytes);
    reasons.emplace_back(GcReasonText(file.reason));
    outcomes.emplace_back(GcOutcomeText(file.outcome));
  }
  return TableOf({{"path", StringArray(paths)},
                  {"bytes", UInt64Array(bytes)},
                  {"reason", StringArray(reasons)},
                  {"outcome", StringArray(outcomes)}});
}

Result<QueryResult> SessionImpl::Run(const ExpireSnapshotsStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_ASSIGN(const RetentionRule rule, RuleOf(statement, table->options()));
  const bool dry_run = statement.mode == CallMode::kDryRun;
  std::vector<uint64_t> versions;
  std::vector<std::string> times;
  std::vector<uint64_t> bytes;
  auto tables = database().PartitionsOf(*table);
  tables.insert(tables.begin(), table);
  for (const auto& each : tables) {
    VARVE_ASSIGN(const Expiry expiry,
                 database().housekeeping().ExpireVersions(
                     *each, rule, dry_run ? ExpiryMode::kPlan : ExpiryMode::kExpire));
    for (const Expiry::Hidden& hidden : expiry.versions) {
      versions.push_back(hidden.version.id.value());
      times.push_back(FormatTimestamp(hidden.version.committed_at.value()));
      bytes.push_back(hidden.bytes);
    }
  }
  const std::vector<std::string> outcomes(versions.size(), dry_run ? "would expire" : "expired");
  return TableOf({{"version", UInt64Array(versions)},
                  {"committed_at", StringArray(times)},
                  {"bytes", UInt64Array(bytes)},
                  {"outcome", StringArray(outcomes)}});
}

}  // namespace varve
