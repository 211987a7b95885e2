#include "query/change_feed.h"

#include "query/change_names.h"

namespace varve {
namespace {

constexpr std::string_view kEarliest = "earliest";
constexpr std::string_view kLatest = "latest";

Result<VersionId> StartOf(const Table& table, const ChangeFeedOptions& options,
                          const std::optional<Consumer>& consumer) {
  if (options.from.empty()) {
    if (consumer) {
      return consumer->position();
    }
    return InvalidArgument(
        "where do the changes begin? Say from=earliest, latest, snapshot.<number>, "
        "savepoint.<number or name> or timestamp.<time>, or the name of a consumer that there is");
  }
  if (options.from == kEarliest) {
    return table.OldestChangesStart();
  }
  if (options.from == kLatest) {
    return table.current_version();
  }
  VARVE_ASSIGN(const VersionRef ref, ParseVersionText(options.from));
  return table.FindChangesStart(ref);
}

Result<std::optional<Consumer>> ConsumerOf(const Table& table, std::string_view name) {
  if (name.empty()) {
    return std::nullopt;
  }
  VARVE_TRY(CheckConsumerName(name));
  auto found = table.FindConsumer(name);
  if (found) {
    return *std::move(found);
  }
  return found.error().kind == ErrorKind::kNotFound ? Result<std::optional<Consumer>>(std::nullopt)
                                                    : std::unexpected(found.error());
}

}  // namespace

Result<std::unique_ptr<ChangeFeed>> ChangeFeed::Open(std::shared_ptr<Table> table,
                                                     const ChangeFeedOptions& options) {
  VARVE_ASSIGN(const auto consumer, ConsumerOf(*table, options.consumer));
  ChangeRange range;
  VARVE_ASSIGN(range.from, StartOf(*table, options, consumer));
  range.to = table->current_version();
  if (!options.to.empty() && options.to != kLatest) {
    VARVE_ASSIGN(const VersionRef ref, ParseVersionText(options.to));
    VARVE_ASSIGN(const auto version, table->FindVersion(ref));
    range.to = version->id;
  }
  VARVE_ASSIGN(auto reader, ChangeReader::Open(table, range));
  if (consumer && options.from.empty()) {
    VARVE_TRY(table->AdvanceConsumer(consumer->name, consumer->position()));  // he is heard of
  } else if (!consumer && !options.consumer.empty()) {
    VARVE_TRY(table->CreateConsumer(options.consumer, range.from));
  }
  const Follow follow = options.to.empty() ? options.follow : Follow::kNo;
  return std::unique_ptr<ChangeFeed>(
      new ChangeFeed(std::move(table), std::move(reader), range.to, follow));
}

Result<ChangeFeed::Step> ChangeFeed::Next() {
  VARVE_ASSIGN(auto step, reader_->Next());
  if (step) {
    const auto kind = step->rows == nullptr ? Step::Kind::kEndOfVersion : Step::Kind::kRows;
    return Step{kind, step->version, std::move(step->rows)};
  }
  if (follow_ == Follow::kNo || table_->dropped()) {
    return Step{};
  }
  const VersionId newest = table_->current_version();
  if (newest > position_) {
    VARVE_TRY(reader_->GoOn(newest));
    position_ = newest;
    return Next();
  }
  return Step{.kind = Step::Kind::kNothingYet};
}

Status AllowReadingChanges(Limiter& limiter, const Database& database, const Table& table) {
  if (const auto whole = database.TableOf(table)) {
    VARVE_TRY(limiter.CheckRead(whole->schema_name(), whole->name()));
  }
  VARVE_TRY(limiter.CheckRead(table.schema_name(), table.name()));
  return limiter.CheckPlanned({.schema = table.schema_name(), .table = table.name()});
}

}  // namespace varve
