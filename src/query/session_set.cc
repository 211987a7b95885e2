// SET, RESET, SHOW ALL: the session's settings.

#include "query/bucket_zone.h"
#include "query/session_internal.h"
#include "sql/keywords.h"

namespace varve {

Status SessionImpl::ChangeSettings(SessionSettings settings) {
  if (settings.time_zone != settings_.time_zone) {
    VARVE_TRY(UseBucketZone(connection_->connection(), settings.time_zone));
    evaluator_.reset();
  }
  settings_ = std::move(settings);
  return {};
}

Result<QueryResult> SessionImpl::Run(const SetStatement& statement) {
  VARVE_ASSIGN(SessionSettings changed,
               statement.value ? WithSessionSetting(settings_, statement.name, *statement.value)
                               : WithDefault(settings_, statement.name, engine_.options.settings));
  VARVE_TRY(ChangeSettings(std::move(changed)));
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const ShowSettingsStatement& statement) {
  std::vector<std::string> names;
  std::vector<std::string> values;
  std::vector<std::string> descriptions;
  for (const SettingText& setting : DescribeSettings(settings_)) {
    names.push_back(setting.name);
    values.push_back(setting.value);
    descriptions.push_back(setting.description);
  }
  if (!statement.name) {
    return TableOf({{"name", StringArray(names)},
                    {"setting", StringArray(values)},
                    {"description", StringArray(descriptions)}});
  }
  // Says which there are when there is none of that name.
  VARVE_TRY(WithDefault(settings_, *statement.name, settings_));
  for (size_t i = 0; i < names.size(); ++i) {
    if (ToLower(*statement.name) == names[i]) {
      return TableOf({{names[i], StringArray({values[i]})}});
    }
  }
  return Internal("setting {} is known and not shown", *statement.name);
}

}  // namespace varve
