variable "cloud" {
  type        = string
  description = "Entry of clouds.yaml: the account and the project in which everything is made."
}

variable "name" {
  type        = string
  default     = "silencio"
  description = "Prefix of the names of all that is made."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "The name becomes part of hostnames: small letters, digits and dashes, a letter first, at most 31."
  }
}

variable "external_network" {
  type        = string
  description = "Name of the provider's network from which floating addresses come."
}

variable "image" {
  type        = string
  description = "Name of an image with cloud-init: Debian 12 or 13, Ubuntu 22.04 or 24.04, for the flavor's processors."
}

variable "flavor" {
  type        = string
  description = "Name of the flavor of each node: at least 4 processors, 16 GB of memory and 40 GB of disk."
}

variable "public_key" {
  type        = string
  description = "The SSH public key that may log in, as its file has it; of the private key nothing is known here."

  validation {
    condition     = can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+", var.public_key))
    error_message = "Not a public key: the text of a file such as ~/.ssh/id_ed25519.pub, never the private one."
  }
}

variable "ssh_user" {
  type        = string
  default     = "debian"
  description = "The account that the image's cloud-init makes: debian, ubuntu."
}

variable "admin_cidrs" {
  type        = list(string)
  description = "Networks from which SSH is let in, such as 203.0.113.7/32. It has no default: nobody is let in by accident."

  validation {
    condition     = alltrue([for cidr in var.admin_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "Networks of IPv4 as 203.0.113.7/32, and not the whole Internet: SSH is for those who operate the cluster."
  }
}

variable "visitor_cidrs" {
  type        = list(string)
  default     = ["0.0.0.0/0"]
  description = "Networks from which HTTP and HTTPS are let in."

  validation {
    condition     = alltrue([for cidr in var.visitor_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Networks of IPv4 as 203.0.113.0/24."
  }
}

variable "private_cidr" {
  type        = string
  default     = "192.168.1.0/24"
  description = "The nodes' own network."
}

variable "nodes" {
  type = map(string)
  default = {
    node1 = "192.168.1.11"
    node2 = "192.168.1.12"
    node3 = "192.168.1.13"
  }
  description = "Nodes by name, with their addresses in the private network. node1 has the floating address and the volume."

  validation {
    condition     = contains(keys(var.nodes), "node1") && length(distinct(values(var.nodes))) == length(var.nodes)
    error_message = "node1 is missing, or two nodes have one address."
  }
  validation {
    condition = alltrue([
      for address in values(var.nodes) :
      cidrhost("${address}/${split("/", var.private_cidr)[1]}", 0) == cidrhost(var.private_cidr, 0)
    ])
    error_message = "An address of a node lies outside private_cidr."
  }
}

variable "dns_servers" {
  type        = list(string)
  default     = []
  description = "Name servers of the private network; empty: the provider's own."
}

variable "volume_gb" {
  type        = number
  default     = 100
  description = "Size of the volume on node1, which has the cluster's claims and the registry. It may grow later, never shrink."

  validation {
    condition     = var.volume_gb >= 100
    error_message = "Below 100 GB there is no room for recordings, bundles, MLflow's files and images."
  }
}

variable "volume_type" {
  type        = string
  default     = null
  description = "Type of the volume, as the provider calls it; null: the provider's default."
}
