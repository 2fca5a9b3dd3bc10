# Two groups: what nodes may say to one another, and what node1 lets in from outside. All that is not named is refused; outwards
# OpenStack's own rules of a new group allow everything, which images and packages need.
resource "openstack_networking_secgroup_v2" "cluster" {
  name        = "${var.name}-cluster"
  description = "Between the nodes of ${var.name}"
}

resource "openstack_networking_secgroup_v2" "edge" {
  name        = "${var.name}-edge"
  description = "From outside to node1 of ${var.name}"
}

locals {
  # Ports by use, from nodes to nodes. Pods of two nodes reach each other inside Calico's VXLAN.
  cluster_ports = {
    ssh           = { protocol = "tcp", first = 22, last = 22 }
    etcd          = { protocol = "tcp", first = 2379, last = 2380 }
    registry      = { protocol = "tcp", first = 5000, last = 5000 }
    api_server    = { protocol = "tcp", first = 6443, last = 6443 }
    node_exporter = { protocol = "tcp", first = 9100, last = 9100 }
    kubelet       = { protocol = "tcp", first = 10250, last = 10250 }
    vxlan         = { protocol = "udp", first = 4789, last = 4789 }
  }
  visitor_ports = { http = 80, https = 443 }
}

resource "openstack_networking_secgroup_rule_v2" "cluster" {
  for_each = local.cluster_ports

  description       = each.key
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = each.value.protocol
  port_range_min    = each.value.first
  port_range_max    = each.value.last
  remote_group_id   = openstack_networking_secgroup_v2.cluster.id
  security_group_id = openstack_networking_secgroup_v2.cluster.id
}

resource "openstack_networking_secgroup_rule_v2" "cluster_ping" {
  description       = "ping"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "icmp"
  remote_group_id   = openstack_networking_secgroup_v2.cluster.id
  security_group_id = openstack_networking_secgroup_v2.cluster.id
}

resource "openstack_networking_secgroup_rule_v2" "ssh" {
  for_each = toset(var.admin_cidrs)

  description       = "ssh"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
  remote_ip_prefix  = each.value
  security_group_id = openstack_networking_secgroup_v2.edge.id
}

resource "openstack_networking_secgroup_rule_v2" "visitors" {
  for_each = {
    for pair in setproduct(keys(local.visitor_ports), var.visitor_cidrs) : join(" from ", pair) => {
      port = local.visitor_ports[pair[0]]
      cidr = pair[1]
    }
  }

  description       = each.key
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = each.value.port
  port_range_max    = each.value.port
  remote_ip_prefix  = each.value.cidr
  security_group_id = openstack_networking_secgroup_v2.edge.id
}
