variable "name" {
  description = "Name of the function."
  type        = string
}

variable "role" {
  description = "The name of the function's role is the function's name and this suffix. Only functions in the account named by account can have the role. permissions_boundary is the ARN of the policy that bounds the role, or null."
  type = object({
    suffix               = string
    account              = string
    permissions_boundary = string
  })
}

variable "description" {
  description = "What the function does."
  type        = string
}

variable "package" {
  description = "The zip, a file or an object in a bucket, and its hash."
  type = object({
    file   = optional(string)
    hash   = string # base64 of SHA-256
    bucket = optional(string)
    key    = optional(string)
  })
}

variable "architecture" {
  description = "arm64 or x86_64."
  type        = string
}

variable "memory_mb" {
  description = "Memory in MB. Lambda assigns CPU in proportion."
  type        = number
  default     = 256
}

variable "timeout_seconds" {
  description = "Timeout of one call."
  type        = number
}

variable "reserved_concurrency" {
  description = "Maximum number of calls that run at the same time. Lambda also reserves that many for the function. Null reserves nothing and sets no maximum."
  type        = number
  default     = null
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
}

variable "statements" {
  description = "IAM policy statements in addition to those that every function needs."
  type        = any # statements have different attributes
}

variable "logs" {
  description = "Minimum log level, days to keep logs, and the key that encrypts them."
  type = object({
    level          = string
    retention_days = number
    kms_key_arn    = string
  })
}

variable "asynchronous" {
  description = "For a function that is called asynchronously: the number of times that Lambda repeats a failed call; the time for which it repeats a throttled call; and the ARN of the queue for calls that failed permanently, or null to drop them."
  type = object({
    retries             = number
    maximum_age_seconds = number # a throttled call is repeated until it is this old, whatever retries says
    dead_letter_arn     = optional(string)
  })
  default = null
}

variable "tracing" {
  description = "Whether X-Ray traces calls."
  type        = bool
}
