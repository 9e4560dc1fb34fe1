// SPDX-License-Identifier: MIT
/* Sends frames over an interface as fast as it takes them until it gets SIGTERM, then says how many were sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_term(int signal)
{
	(void)signal;
	stop = 1;
}

int main(int argc, char **argv)
{
	/* Ethernet broadcast, IPv4, UDP to port 9 */
	unsigned char frame[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
				    0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
				    0, 9, 0, 9, 0, 30, 0, 0 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_halen = 6 };
	unsigned long sent = 0, refused = 0;
	struct sigaction action = { .sa_handler = on_term };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || argc != 2 || (to.sll_ifindex = if_nametoindex(argv[1])) == 0) {
		perror("traffic");
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	/* a test that is killed leaves no sender */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	puts("sending");
	fflush(stdout);
	while (!stop) {
		memcpy(frame + 42, &sent, sizeof(sent));
		if (sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(frame))
			sent++;
		else if (errno == ENOBUFS || errno == EINTR || errno == EAGAIN)
			refused++;
		else {
			perror("sendto");
			return 1;
		}
	}
	printf("%lu %lu\n", sent, refused);
	return 0;
}
