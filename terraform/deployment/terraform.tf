# The root that `make deploy` applies. It has the variables of the module in the parent
# folder: set them in terraform.tfvars. Region and credentials come from the environment.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100" # what the tests apply
    }
  }
}

provider "aws" {
  default_tags {
    tags = var.tags
  }
}
