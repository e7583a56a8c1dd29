variable "allowed_countries" {
  description = "Countries that messages may be sent to, as ISO 3166-1 alpha-2 codes such as [\"DE\", \"GB\"]. The word \"crown-dependencies\" stands for Guernsey, Jersey and the Isle of Man, whose numbers look like those of GB, and \"us-territories\" for American Samoa, Guam, the Northern Mariana Islands, Puerto Rico and the US Virgin Islands. There is no default, because every additional country widens exposure to toll fraud."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.allowed_countries) > 0
    error_message = "Name at least one country in allowed_countries, such as [\"DE\"]."
  }
  validation {
    condition     = alltrue([for c in var.allowed_countries : can(regex("^([A-Z]{2}|crown-dependencies|us-territories)$", c))])
    error_message = "Write each country in allowed_countries as two capital letters (ISO 3166-1), such as \"DE\"."
  }
  validation {
    condition     = !contains(var.allowed_countries, "UK")
    error_message = "Write \"GB\" for the United Kingdom in allowed_countries: ISO 3166-1 has no \"UK\"."
  }
  validation {
    condition     = length(distinct(var.allowed_countries)) == length(var.allowed_countries)
    error_message = "List each country once in allowed_countries."
  }
}

variable "default_country" {
  description = "Country of phone numbers written without a plus sign. Null refuses such numbers."
  type        = string
  default     = null

  validation {
    condition     = var.default_country == null ? true : contains(var.allowed_countries, var.default_country)
    error_message = "Set default_country to one of allowed_countries, or leave it out."
  }
}

variable "number_types" {
  description = "Types of phone numbers that messages may be sent to. Null means all of them except \"premium-rate\". The types are \"mobile\", \"fixed-line\", \"toll-free\", \"premium-rate\", \"shared-cost\", \"voip\", \"personal\", \"pager\", \"company\" and \"voicemail\". North America does not tell mobile numbers from landlines: its numbers need one of \"mobile\" and \"fixed-line\"."
  type        = list(string)
  default     = null

  validation {
    condition     = var.number_types == null ? true : length(var.number_types) > 0 && length(setsubtract(var.number_types, ["mobile", "fixed-line", "toll-free", "premium-rate", "shared-cost", "voip", "personal", "pager", "company", "voicemail"])) == 0
    error_message = "List at least one type in number_types, such as [\"mobile\"], and only types that the description names, or leave it out."
  }
}

variable "strict_numbers" {
  description = "Refuse phone numbers whose range no numbering plan contains. Plans are built into a release, so new ranges are refused until a newer release is deployed. If strict_numbers is false, a number is accepted if mobile numbers of its country have this length, and the preview says that it is doubtful."
  type        = bool
  default     = false
  nullable    = false
}

variable "name" {
  description = "Prefix of all resource names. Deployments in the same account and Region need different names."
  type        = string
  default     = "smsqueue"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 32
    error_message = "Write name with lower-case letters, digits and single hyphens, beginning with a letter, at most 32 characters."
  }
  validation {
    condition     = !can(regex("aws|amazon|cognito", var.name))
    error_message = "Choose a name without \"aws\", \"amazon\" and \"cognito\": it becomes part of the token endpoint's domain, where Cognito forbids them."
  }
}

variable "clients" {
  description = "Clients that are allowed to call the API, by name. Clients of one owner share their messages; the owner defaults to the client's name. To rotate a secret, add a client with the same owner, then remove the old client, whose tokens end within a minute. Scopes are \"send\" and \"read\". A client's countries and limits replace the deployment's; -1 lifts a limit."
  type = map(object({
    owner                       = optional(string)
    scopes                      = optional(list(string), ["send", "read"])
    allowed_countries           = optional(list(string))
    parts_per_day               = optional(number)
    messages_per_recipient_hour = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.clients) : can(regex("^[a-z0-9][a-z0-9-]{0,62}$", name))])
    error_message = "Write the names of clients with lower-case letters, digits and hyphens, at most 63 characters."
  }
  validation {
    condition     = alltrue([for c in values(var.clients) : length(c.scopes) > 0 && length(setsubtract(c.scopes, ["send", "read"])) == 0])
    error_message = "Give each client one or both of the scopes \"send\" and \"read\"."
  }
  validation {
    condition     = alltrue([for c in values(var.clients) : c.owner == null ? true : can(regex("^[A-Za-z0-9._-]{1,64}$", c.owner))])
    error_message = "Write the owner of each client with letters, digits, dots, hyphens and underscores, at most 64 characters."
  }
  validation {
    condition     = alltrue(flatten([for c in values(var.clients) : [for n in [c.parts_per_day, c.messages_per_recipient_hour] : n == null ? true : (n == -1 || n >= 1 && n <= 1000000000) && floor(n) == n]]))
    error_message = "Set parts_per_day and messages_per_recipient_hour of a client to whole numbers from 1 to 1000000000, or to -1 for no limit."
  }
  validation {
    condition     = alltrue([for c in values(var.clients) : c.allowed_countries == null ? true : length(c.allowed_countries) > 0 && alltrue([for country in c.allowed_countries : can(regex("^([A-Z]{2}|001|crown-dependencies|us-territories)$", country))]) && length(distinct(c.allowed_countries)) == length(c.allowed_countries)])
    error_message = "List at least one country in a client's allowed_countries, each once, as two capital letters (ISO 3166-1) such as \"DE\"."
  }
}

variable "limits" {
  description = "Limits of each owner: parts per day (from midnight UTC), and messages to one number per hour. 0 means no limit. Each limit costs one extra write per message."
  type = object({
    parts_per_day               = optional(number, 0)
    messages_per_recipient_hour = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for n in values(var.limits) : n >= 0 && floor(n) == n])
    error_message = "Set parts_per_day and messages_per_recipient_hour of limits to whole numbers; 0 means no limit."
  }
}

variable "packages" {
  description = "Location of the files <service>.zip: a folder, or a release in a bucket such as \"s3://bucket/smsqueue/1.2.0\", which needs package_digests. Give every release its own prefix, and never change a release. Null means the folder that `make build` fills."
  type        = string
  default     = null

  validation {
    condition     = var.packages == null ? true : !startswith(var.packages, "s3:") || can(regex("^s3://[a-z0-9.-]+/.*[^/]$", var.packages))
    error_message = "Set packages to a folder, or to s3://BUCKET/PREFIX without a trailing slash."
  }
  validation {
    condition     = startswith(coalesce(var.packages, "."), "s3:") || fileexists("${coalesce(var.packages, "${path.module}/../dist")}/api.zip")
    error_message = "The folder in packages has no api.zip: run `make build` first, or set packages to the folder with the zips."
  }
}

variable "package_digests" {
  description = "SHA-256 of each zip of a release in a bucket, in base64, by service. `make build` writes them to dist/digests.tfvars.json. A function whose code in the bucket differs is never called."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for digest in values(var.package_digests) : can(regex("^[A-Za-z0-9+/]{43}=$", digest))])
    error_message = "Write package_digests as SHA-256 in base64, as in dist/digests.tfvars.json."
  }
  validation {
    condition     = !startswith(coalesce(var.packages, "."), "s3:") || length(setsubtract(local.services, keys(var.package_digests))) == 0
    error_message = "Name the digests of these zips in package_digests, because others could change them in the bucket: ${join(", ", setsubtract(local.services, keys(var.package_digests)))}. `make build` writes the digests to dist/digests.tfvars.json."
  }
}

variable "architecture" {
  description = "Processor architecture of the zips: arm64, or x86_64 if they were built with `make build ARCH=amd64`."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Set architecture to \"arm64\" or \"x86_64\"."
  }
}

variable "api" {
  description = "Limits of the API. requests_per_second and burst hold for each of the API's methods by itself, such as POST /sms; further requests get 429 from the gateway. For all methods together there is only the account's limit, 10,000 requests a second. longest_wait_seconds is the longest time that a look-up with ?wait= can wait. Each waiting look-up occupies a function. So longest_wait_seconds needs reserved_concurrency. It is the maximum number of functions that the API runs at the same time, and the API can always run that many. AWS keeps 100 of the account's concurrent_executions for functions without a reservation. allowed_origin is an origin, such as https://app.example.com, whose web pages can use the API in browsers (CORS). Without allowed_origin, no page can."
  type = object({
    requests_per_second  = optional(number, 100)
    burst                = optional(number, 200) # concurrent requests
    longest_wait_seconds = optional(number, 0)
    reserved_concurrency = optional(number) # the default, null, reserves nothing and sets no ceiling
    allowed_origin       = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.api.requests_per_second >= 1 && var.api.burst >= 1
    error_message = "Set requests_per_second and burst of api to at least 1."
  }
  validation {
    condition     = var.api.longest_wait_seconds >= 0 && var.api.longest_wait_seconds <= 15 && floor(var.api.longest_wait_seconds) == var.api.longest_wait_seconds
    error_message = "Set longest_wait_seconds of api to a whole number from 0 to 15: the gateway gives up after 29 seconds, and a look-up takes up to 10 seconds in addition to its wait."
  }
  validation {
    condition     = var.api.allowed_origin == null ? true : can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", var.api.allowed_origin))
    error_message = "Set allowed_origin of api to one origin as browsers write it, such as \"https://app.example.com\": in small letters and without a path."
  }
  validation {
    condition     = var.api.longest_wait_seconds == 0 || var.api.reserved_concurrency != null
    error_message = "Set reserved_concurrency of api, because look-ups that wait could otherwise occupy all functions that the account may run, and nothing would be sent. Or set longest_wait_seconds to 0."
  }
  validation {
    condition     = var.api.reserved_concurrency == null ? true : var.api.reserved_concurrency >= 1 && floor(var.api.reserved_concurrency) == var.api.reserved_concurrency
    error_message = "Set reserved_concurrency of api to a whole number of at least 1, or leave it out."
  }
  validation {
    condition     = var.api.reserved_concurrency == null ? true : var.api.reserved_concurrency + max(100, var.sender.concurrency + 4) <= var.concurrent_executions
    error_message = "Set reserved_concurrency of api so that 100 of the account's concurrent_executions are left, because AWS reserves no more, and enough for the senders, the relay and receipts: sender.concurrency and 4. Ask for more under Service Quotas and set concurrent_executions to it, or leave longest_wait_seconds and reserved_concurrency out."
  }
}

variable "sender" {
  description = "How fast messages are handed over. All senders together hand over at most parts_per_second, on average over any ten seconds, and a single sender alone reaches 91 % of this pace. Set parts_per_second to the sum of the rates that your origination numbers allow. If SNS allows the account less than this sum, set parts_per_second to the rate of the account. 0 means no limit. concurrency is the maximum number of senders. If the pace is slow, fewer senders run, because more would only wait."
  type = object({
    concurrency      = optional(number, 2) # maximum number of senders at the same time
    parts_per_second = optional(number, 20)
    timeout_seconds  = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.sender.concurrency >= 2 && var.sender.concurrency <= 1000 && floor(var.sender.concurrency) == var.sender.concurrency
    error_message = "Set concurrency of sender to a whole number from 2 to 1000: SQS accepts nothing else."
  }
  validation {
    condition     = var.sender.parts_per_second == 0 || var.sender.parts_per_second >= 0.01
    error_message = "Set parts_per_second of sender to at least 0.01, or to 0 for no limit."
  }
  validation {
    condition     = var.sender.timeout_seconds >= 15 && var.sender.timeout_seconds <= 900 && floor(var.sender.timeout_seconds) == var.sender.timeout_seconds
    error_message = "Set timeout_seconds of sender to a whole number from 15 to 900: less is not enough for one message."
  }
}

variable "concurrent_executions" {
  description = "AWS's quota of concurrent Lambda executions for the account in this Region, which all of its functions share. New accounts have 10, others 1000; see Service Quotas. The variable does not change AWS's quota: the plan warns if the deployment may need more, and refuses a reservation that does not fit."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.concurrent_executions >= 10 && floor(var.concurrent_executions) == var.concurrent_executions
    error_message = "Set concurrent_executions to AWS's quota for the account, a whole number of at least 10."
  }
}

variable "messages" {
  description = "Defaults and limits for messages: hours until a message expires, unless its client says otherwise; days that a message can be looked up after its status became final, or sent, or unknown; and the maximum number of hand-overs, at most 20."
  type = object({
    validity_hours = optional(number, 24)
    retention_days = optional(number, 30)
    max_attempts   = optional(number, 5)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.messages.validity_hours >= 1 && floor(var.messages.validity_hours) == var.messages.validity_hours
    error_message = "Set validity_hours of messages to a whole number of at least 1."
  }
  validation {
    condition     = var.messages.retention_days >= 7 && floor(var.messages.retention_days) == var.messages.retention_days
    error_message = "Set retention_days of messages to a whole number of at least 7: receipts come up to 3 days late."
  }
  validation {
    condition     = var.messages.max_attempts >= 1 && var.messages.max_attempts <= 20 && floor(var.messages.max_attempts) == var.messages.max_attempts
    error_message = "Set max_attempts of messages to a whole number from 1 to 20."
  }
}

variable "logs" {
  description = "Minimum level that the functions log, and the number of days that all logs are kept."
  type = object({
    level          = optional(string, "INFO")
    retention_days = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR"], var.logs.level)
    error_message = "Set level of logs to \"DEBUG\", \"INFO\", \"WARN\" or \"ERROR\"."
  }
  validation {
    # The values that CloudWatch Logs accepts, except 0, which means forever.
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "Set retention_days of logs to a number of days that CloudWatch Logs accepts, such as 7, 30, 90 or 365."
  }
}

variable "monitoring" {
  description = "What to pay for besides alarms, in US dollars at AWS's list prices of 2026 in us-east-1. detailed_metrics: 5 metrics of API Gateway for each method in use, about 0.30 a month for each metric. tracing: X-Ray, 5 per million traces; a message has several. dashboard: 3 a month, but an account's first three are free."
  type = object({
    detailed_metrics = optional(bool, false)
    tracing          = optional(bool, false)
    dashboard        = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "kms_key_arn" {
  description = "ARN of a KMS key in the same Region, which encrypts the table, the queues and the logs. The policy of the key must allow CloudWatch Logs to use it. Null creates a key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "Set kms_key_arn to the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias."
  }
}

variable "deletion_protection" {
  description = "Protects the table and the clients from being destroyed. To remove a deployment, first apply with false."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_actions" {
  description = "ARNs of SNS topics, or of other actions, that are notified when an alarm starts and when it ends."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for a in var.alarm_actions : startswith(a, "arn:")])
    error_message = "Write each of alarm_actions as an ARN such as arn:aws:sns:REGION:ACCOUNT:TOPIC."
  }
}

variable "sms_preferences" {
  description = "SNS's settings for SMS, which an account has once in each Region, for all of its applications. Only what is named here is written; null leaves a setting as it is. delivery_logs makes SNS log every delivery, with a role and two log groups that this deployment creates."
  type = object({
    delivery_logs           = optional(bool, false)
    monthly_spend_limit_usd = optional(number) # AWS refuses more than it has granted
    default_sender_id       = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.sms_preferences.monthly_spend_limit_usd == null ? true : var.sms_preferences.monthly_spend_limit_usd >= 1 && floor(var.sms_preferences.monthly_spend_limit_usd) == var.sms_preferences.monthly_spend_limit_usd
    error_message = "Set monthly_spend_limit_usd of sms_preferences to a whole number of at least 1, or leave it out to keep the account's limit. Terraform's provider never sends 0; pause the deployment instead."
  }
  validation {
    condition     = var.sms_preferences.default_sender_id == null ? true : can(regex("^[A-Za-z0-9-]{3,11}$", var.sms_preferences.default_sender_id)) && can(regex("[A-Za-z]", var.sms_preferences.default_sender_id))
    error_message = "Write default_sender_id of sms_preferences with 3 to 11 letters, digits or hyphens, at least one of them a letter; or leave it out to keep the account's."
  }
}

variable "receipts" {
  description = "Whether to read SNS's delivery logs, which are the only source of receipts: without them no message becomes delivered. Null means that they are read only if sms_preferences has delivery_logs. Set receipts to true if the delivery logs are managed elsewhere; their log groups must exist."
  type        = bool
  default     = null
}

variable "events" {
  description = "Whether to put every status change on the deployment's own event bus. A stream of the table, a pipe and the bus are then added to the bill."
  type        = bool
  default     = false
  nullable    = false
}

variable "manage_api_gateway_log_role" {
  description = "Whether to set the role with which API Gateway writes logs. An account has one such role in each Region, for all of its APIs. False means that something else has set the role. Null leaves the setting as it is, and the API has no access log, because such a log needs the role."
  type        = bool
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of an IAM policy that bounds every role of the deployment. Null means none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null ? true : can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/", var.permissions_boundary))
    error_message = "Set permissions_boundary to the ARN of a policy, arn:aws:iam::ACCOUNT:policy/NAME."
  }
}
