# A root of one's own: state in a bucket, a provider with tags for the bill, and
# the module. Outside this repository the source is
#
#   git::https://github.com/smsqueue/smsqueue.git//terraform?ref=VERSION
#
# and packages names the bucket that a release was uploaded to.

terraform {
  backend "s3" {
    bucket       = "example-terraform-state" # versioned and encrypted: the state holds the clients' secrets
    key          = "smsqueue.tfstate"
    region       = "eu-central-1"
    encrypt      = true
    use_lockfile = true
  }

  required_version = ">= 1.10" # use_lockfile

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { service = "smsqueue" }
  }
}

module "smsqueue" {
  source = "../.."

  packages          = "s3://example-releases/smsqueue/1.0.0"
  allowed_countries = ["DE", "AT"]
  default_country   = "DE"
  clients           = { shop = { owner = "shop" } }
}

output "api_url" {
  description = "Where the API is."
  value       = module.smsqueue.api_url
}
