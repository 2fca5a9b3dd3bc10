data "openstack_networking_network_v2" "external" {
  name     = var.external_network
  external = true
}

resource "openstack_networking_network_v2" "private" {
  name           = var.name
  admin_state_up = true
}

resource "openstack_networking_subnet_v2" "private" {
  name            = var.name
  network_id      = openstack_networking_network_v2.private.id
  cidr            = var.private_cidr
  ip_version      = 4
  dns_nameservers = var.dns_servers
}

resource "openstack_networking_router_v2" "private" {
  name                = var.name
  external_network_id = data.openstack_networking_network_v2.external.id
}

resource "openstack_networking_router_interface_v2" "private" {
  router_id = openstack_networking_router_v2.private.id
  subnet_id = openstack_networking_subnet_v2.private.id
}

# Ports of their own keep a node's address where the node is made anew.
resource "openstack_networking_port_v2" "node" {
  for_each = var.nodes

  name               = "${var.name}-${each.key}"
  network_id         = openstack_networking_network_v2.private.id
  admin_state_up     = true
  security_group_ids = concat([openstack_networking_secgroup_v2.cluster.id], each.key == "node1" ? [openstack_networking_secgroup_v2.edge.id] : [])

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.private.id
    ip_address = each.value
  }
}

resource "openstack_networking_floatingip_v2" "node1" {
  pool        = var.external_network
  description = "${var.name}: visitors and SSH, by node1"
}

resource "openstack_networking_floatingip_associate_v2" "node1" {
  floating_ip = openstack_networking_floatingip_v2.node1.address
  port_id     = openstack_networking_port_v2.node["node1"].id

  # Neutron refuses a floating address for a network that no router joins to the outside yet.
  depends_on = [openstack_networking_router_interface_v2.private]
}
