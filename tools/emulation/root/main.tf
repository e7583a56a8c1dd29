# A root that calls terraform/ as a module. Its provider knows a single endpoint, an
# engine's, so that nothing reaches AWS.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "endpoint" {
  description = "URL of the engine."
  type        = string
}

variable "packages" {
  description = "Folder of the zips."
  type        = string
}

variable "architecture" {
  description = "Processor that the zips are built for."
  type        = string
}

variable "sms_preferences" {
  description = "Whether the engine knows SNS's settings for SMS."
  type        = bool
}

provider "aws" {
  region     = "us-east-1"
  access_key = "test"
  secret_key = "test"

  max_retries                 = 2
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = false # the API's ARNs contain it

  endpoints {
    apigateway     = var.endpoint
    cloudwatch     = var.endpoint
    cloudwatchlogs = var.endpoint
    cognitoidp     = var.endpoint
    dynamodb       = var.endpoint
    events         = var.endpoint
    iam            = var.endpoint
    kms            = var.endpoint
    lambda         = var.endpoint
    pipes          = var.endpoint
    scheduler      = var.endpoint
    sns            = var.endpoint
    sqs            = var.endpoint
    sts            = var.endpoint
  }
}

module "smsqueue" {
  source = "../../../terraform"

  packages            = var.packages
  architecture        = var.architecture
  allowed_countries   = ["BR", "DE"]
  default_country     = "DE"
  deletion_protection = false
  sms_preferences     = var.sms_preferences ? {} : null
  receipts            = true # the engine knows no SMS preferences; its log groups are made beforehand
  events              = true

  clients = {
    shop    = { owner = "shop" }
    watcher = { owner = "shop", scopes = ["read"] }
    other   = {}
  }
}

output "api_url" {
  description = "Where the API would be on AWS."
  value       = module.smsqueue.api_url
}

output "rest_api_id" {
  description = "Id of the REST API."
  value       = module.smsqueue.rest_api_id
}

output "client_ids" {
  description = "Ids of the clients."
  value       = module.smsqueue.client_ids
}

output "client_secrets" {
  description = "Secrets of the clients."
  value       = module.smsqueue.client_secrets
  sensitive   = true
}

output "queue_urls" {
  description = "The queues."
  value       = module.smsqueue.queue_urls
}

output "table_name" {
  description = "Table of the records."
  value       = module.smsqueue.table_name
}
