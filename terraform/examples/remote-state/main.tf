# A root module with its state in a bucket and a provider that tags all resources.
# Outside this repository, the source of the module is
#
#   git::https://github.com/smsqueue/smsqueue.git//terraform?ref=VERSION
#
# and packages is the bucket with the uploaded release.

terraform {
  backend "s3" {
    bucket       = "example-terraform-state" # must be versioned and encrypted: the state contains the clients' secrets
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
  description = "Base URL of the API."
  value       = module.smsqueue.api_url
}
