# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to our offer of sound and picture in the manner of browsers and libraries that no test can start here: what they
leave out, add, and write in another place or order. (name, SDP, takes sound, takes pictures)."""

FINGERPRINT = ":".join("%02X" % n for n in range(32))
SECRETS = "a=ice-ufrag:k3Tz\na=ice-pwd:Yp0c7vXw2dQk9sLr5mBn8HfA\n"
RTX = "a=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n"
ABS_SEND_TIME = "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
PLAYOUT_DELAY = "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\n"
MID = "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n"

# Session, then m-lines. libwebrtc repeats secrets and fingerprint in each one, but for those that it rejects.
LIBWEBRTC = """v=0
o=- 4962303333179871722 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE %(bundle)s
%(session)sa=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
%(candidates)s%(secrets)sa=ice-options:trickle
a=fingerprint:sha-256 %(fingerprint)s
a=setup:active
a=mid:a
%(audio_extensions)sa=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
"""
LIBWEBRTC_VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
%(secrets)sa=ice-options:trickle
a=fingerprint:sha-256 %(fingerprint)s
a=setup:active
a=mid:v
%(video_extensions)sa=recvonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
""" + RTX
LIBWEBRTC_NO_VIDEO = """m=video 0 UDP/TLS/RTP/SAVPF 0
c=IN IP4 0.0.0.0
a=inactive
a=mid:v
"""
# Secrets in each m-line, the fingerprint once, candidates (of RTCP, too) in the first one, blanks at the ends of lines, and the
# direction last.
PION = """v=0
o=- 5821370964457328102 1739454445 IN IP4 0.0.0.0
s=-
t=0 0
a=msid-semantic:WMS*
a=fingerprint:sha-256 %(fingerprint)s
a=extmap-allow-mixed
a=group:BUNDLE a v
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=setup:active
a=mid:a
%(secrets)sa=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
""" + MID + """a=recvonly
a=candidate:233762139 1 udp 2130706431 127.0.0.1 47828 typ host
a=candidate:233762139 2 udp 2130706431 127.0.0.1 47828 typ host
a=end-of-candidates
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=setup:active
a=mid:v
%(secrets)sa=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb\x20
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack\x20
a=rtcp-fb:96 nack pli
""" + RTX + MID + "a=recvonly\n"


def written(text, **parts):
    return (text % {"bundle": "a v", "session": "", "candidates": "", "audio_extensions": "", "video_extensions": "",
                    "secrets": SECRETS, "fingerprint": FINGERPRINT, **parts}).replace("\n", "\r\n")


IN_SAFARI_12 = {"candidates": "a=candidate:211156821 1 udp 2113937151 127.0.0.1 53171 typ host generation 0 network-cost 50\n"}
MANNERS = [
    ("Chrome 60", written(LIBWEBRTC + LIBWEBRTC_VIDEO, video_extensions=ABS_SEND_TIME + PLAYOUT_DELAY), True, True),
    ("Safari 12.0, which has no VP8", written(LIBWEBRTC + LIBWEBRTC_NO_VIDEO, bundle="a", **IN_SAFARI_12), True, False),
    ("Safari 12.1", written(LIBWEBRTC + LIBWEBRTC_VIDEO, video_extensions=ABS_SEND_TIME, **IN_SAFARI_12), True, True),
    # Its candidates come later; with names in .local, for each of which that it cannot resolve Janus leaks a GError.
    ("Safari 17", written(LIBWEBRTC + LIBWEBRTC_VIDEO, session="a=extmap-allow-mixed\n", audio_extensions=MID,
                          video_extensions=ABS_SEND_TIME + PLAYOUT_DELAY + MID), True, True),
    ("Pion", written(PION), True, True),
]
