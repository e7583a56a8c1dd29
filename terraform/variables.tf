variable "allowed_countries" {
  description = "Countries whose phone numbers may be sent to, in ISO 3166-1 alpha-2, such as [\"DE\", \"GB\"]. There is no default: every additional country widens exposure to toll fraud."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.allowed_countries) > 0
    error_message = "Name at least one country in allowed_countries, such as [\"DE\"]."
  }
  validation {
    condition     = alltrue([for c in var.allowed_countries : can(regex("^[A-Z]{2}$", c))])
    error_message = "Write each of allowed_countries as two capital letters of ISO 3166-1, such as \"DE\"."
  }
  validation {
    condition     = !contains(var.allowed_countries, "UK")
    error_message = "Write \"GB\" for the United Kingdom in allowed_countries: ISO 3166-1 has no \"UK\"."
  }
  validation {
    condition     = length(distinct(var.allowed_countries)) == length(var.allowed_countries)
    error_message = "Name each country once in allowed_countries."
  }
}

variable "default_country" {
  description = "Country whose national format is read in numbers without a plus sign; null refuses such numbers."
  type        = string
  default     = null

  validation {
    condition     = var.default_country == null ? true : contains(var.allowed_countries, var.default_country)
    error_message = "Set default_country to one of allowed_countries, or leave it out."
  }
}

variable "name" {
  description = "Prefix of every name, so that several deployments fit in one account."
  type        = string
  default     = "smsqueue"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 32
    error_message = "Write name in lower-case letters, digits and single hyphens, beginning with a letter, at most 32 characters."
  }
  validation {
    condition     = !can(regex("aws|amazon|cognito", var.name))
    error_message = "Choose a name without \"aws\", \"amazon\" and \"cognito\": it becomes part of the token endpoint's address, where Cognito forbids them."
  }
}

variable "clients" {
  description = "Who may call the API, by name. Clients of one owner see each other's messages: to rotate a secret, add a client with the same owner, then remove the old one. The owner is the client's name where none is given. Scopes are \"send\" and \"read\". A client's countries and limits replace the deployment's; -1 lifts a limit."
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
    error_message = "Name each of clients in lower-case letters, digits and hyphens, at most 63 characters."
  }
  validation {
    condition     = alltrue([for c in values(var.clients) : length(c.scopes) > 0 && length(setsubtract(c.scopes, ["send", "read"])) == 0])
    error_message = "Give each of clients one or both of the scopes \"send\" and \"read\"."
  }
  validation {
    condition     = alltrue([for c in values(var.clients) : c.owner == null ? true : can(regex("^[A-Za-z0-9._-]{1,64}$", c.owner))])
    error_message = "Write the owner of each of clients in letters, digits, dots, hyphens and underscores, at most 64 characters."
  }
}

variable "limits" {
  description = "What each owner may send: parts in a day from midnight, UTC, and messages to one number in an hour. 0 sets no limit; each that is set costs every message one write."
  type = object({
    parts_per_day               = optional(number, 0)
    messages_per_recipient_hour = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for n in values(var.limits) : n >= 0 && floor(n) == n])
    error_message = "Set parts_per_day and messages_per_recipient_hour of limits to whole numbers, 0 for none."
  }
}

variable "packages" {
  description = "Where <service>.zip lie: a folder, or a release in a bucket, such as \"s3://bucket/smsqueue/1.2.0\". A release never changes: a new one has a new prefix. Null is the folder that `make build` fills."
  type        = string
  default     = null

  validation {
    condition     = var.packages == null ? true : !startswith(var.packages, "s3:") || can(regex("^s3://[a-z0-9.-]+/.*[^/]$", var.packages))
    error_message = "Write packages as a folder, or as s3://BUCKET/PREFIX without a slash at the end."
  }
  validation {
    condition     = startswith(coalesce(var.packages, "."), "s3:") || fileexists("${coalesce(var.packages, "${path.module}/../dist")}/api.zip")
    error_message = "There is no api.zip in the folder of packages: run `make build` first, or name the folder that has it."
  }
}

variable "architecture" {
  description = "Processor that the zips are built for: arm64, or x86_64 for those of `make build ARCH=amd64`."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Set architecture to \"arm64\" or \"x86_64\"."
  }
}

variable "api" {
  description = "What the gateway lets through, for all clients together, before it answers 429, and for how long a look-up may wait for a change where its client asks for it: each that waits holds a function."
  type = object({
    requests_per_second  = optional(number, 100)
    burst                = optional(number, 200) # requests at once
    longest_wait_seconds = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.api.requests_per_second >= 1 && var.api.burst >= 1
    error_message = "Set requests_per_second and burst of api to at least 1."
  }
  validation {
    condition     = var.api.longest_wait_seconds >= 0 && var.api.longest_wait_seconds <= 15 && floor(var.api.longest_wait_seconds) == var.api.longest_wait_seconds
    error_message = "Set longest_wait_seconds of api to a whole number from 0 to 15: the gateway gives up after 29 seconds, and the look-up needs up to 10 itself."
  }
}

variable "sender" {
  description = "How fast messages are handed over. All senders together keep to parts_per_second, which is what SNS allows the account; 0 sets no pace."
  type = object({
    concurrency      = optional(number, 2) # functions at once, at most
    parts_per_second = optional(number, 20)
    timeout_seconds  = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.sender.concurrency >= 2 && var.sender.concurrency <= 1000 && floor(var.sender.concurrency) == var.sender.concurrency
    error_message = "Set concurrency of sender to a whole number from 2 to 1000: SQS takes no other."
  }
  validation {
    condition     = var.sender.parts_per_second >= 0
    error_message = "Set parts_per_second of sender to 0, for no pace, or more."
  }
  validation {
    condition     = var.sender.timeout_seconds >= 15 && var.sender.timeout_seconds <= 900 && floor(var.sender.timeout_seconds) == var.sender.timeout_seconds
    error_message = "Set timeout_seconds of sender to a whole number from 15 to 900: less leaves no time for one message."
  }
}

variable "messages" {
  description = "How long a message stays worth sending where its client does not say, how long it can be looked up once it is settled, and how often it is handed over at most."
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
    condition     = var.messages.max_attempts >= 1 && floor(var.messages.max_attempts) == var.messages.max_attempts
    error_message = "Set max_attempts of messages to a whole number of at least 1."
  }
}

variable "logs" {
  description = "Least level that the functions log, and how long every log is kept."
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
    # What CloudWatch Logs takes; its 0, for ever, is left out.
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "Set retention_days of logs to a number of days that CloudWatch Logs knows, such as 7, 30, 90 or 365."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts table, queues and logs, in this Region. Its policy must let CloudWatch Logs use it. Null makes a key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "Write kms_key_arn as the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias."
  }
}

variable "deletion_protection" {
  description = "Keep table and clients from being destroyed. To take a deployment away, first apply with false."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_actions" {
  description = "ARNs of SNS topics, or other actions, that alarms notify when they go off and when they are over."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for a in var.alarm_actions : startswith(a, "arn:")])
    error_message = "Write each of alarm_actions as an ARN, such as arn:aws:sns:REGION:ACCOUNT:TOPIC."
  }
}

variable "sms_preferences" {
  description = "Settings of SNS for SMS, of which an account has one set a Region, and its delivery logs. Null leaves them to others."
  type = object({
    monthly_spend_limit_usd = optional(number, 1) # more than AWS has granted is refused
    default_sender_id       = optional(string)
  })
  default = null

  validation {
    condition     = var.sms_preferences == null ? true : var.sms_preferences.monthly_spend_limit_usd >= 0
    error_message = "Set monthly_spend_limit_usd of sms_preferences to 0 or more."
  }
}

variable "receipts" {
  description = "Read SNS's delivery logs, without which no message is ever known to be delivered. Null reads them where sms_preferences switches them on here; true also where others have, once its log groups are there."
  type        = bool
  default     = null
}

variable "events" {
  description = "Put every change of a message's status on an event bus of the deployment's own, for rules to act on. It costs a stream of the table and a pipe."
  type        = bool
  default     = false
  nullable    = false
}

variable "manage_api_gateway_log_role" {
  description = "Set the role with which API Gateway writes logs, of which an account has one a Region. False where something else sets it."
  type        = bool
  default     = true
  nullable    = false
}
