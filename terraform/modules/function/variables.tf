variable "name" {
  description = "Name of the function, and of its role."
  type        = string
}

variable "description" {
  description = "What the function does."
  type        = string
}

variable "package" {
  description = "The zip: a file with its hash, or an object of a bucket."
  type = object({
    file   = optional(string)
    hash   = optional(string) # base64 of SHA-256
    bucket = optional(string)
    key    = optional(string)
  })
}

variable "architecture" {
  description = "arm64 or x86_64."
  type        = string
}

variable "memory_mb" {
  description = "Memory, which also decides the share of a processor."
  type        = number
  default     = 256
}

variable "timeout_seconds" {
  description = "How long one call may take."
  type        = number
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
}

variable "statements" {
  description = "Statements of the function's IAM policy, besides those that every function needs."
  type        = any # statements differ in their attributes
}

variable "logs" {
  description = "Least level, days to keep, and the key to encrypt with."
  type = object({
    level          = string
    retention_days = number
    kms_key_arn    = string
  })
}

variable "asynchronous" {
  description = "For a function that is called without waiting: how often Lambda repeats a failed call, and the queue that takes what failed for good."
  type = object({
    retries         = number
    dead_letter_arn = string
  })
  default = null
}
